"""The CDN edge of the running data centre: what it serves, keeps and refuses. Objects live in the tests' bucket."""

import base64
import hashlib
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
import requests
from django.conf import settings
from django.test import override_settings

from photos import storage
from photos.storage.edge import cache_file
from stack import accounts, render
from tests.support.waiting import wait_until

EDGE = f"http://127.0.0.1:{settings.CDN_PORT}"


@pytest.fixture(scope="module")
def store():
    return boto3.client(
        "s3",
        endpoint_url=settings.S3_ENDPOINT,
        aws_access_key_id=settings.S3_ACCESS_KEY,
        aws_secret_access_key=settings.S3_SECRET_KEY,
        region_name="us-east-1",
    )


def put(store, folder: str, body: bytes = b"a picture") -> str:
    key = f"{folder}/{secrets.token_hex(16)}.jpg"
    store.put_object(Bucket="test", Key=key, Body=body, ContentType="image/jpeg")
    return key


def signed(path: str, expires: int, key: str = settings.CDN_SIGNING_KEY) -> str:
    digest = hashlib.md5(f"{expires}{path} {key}".encode()).digest()  # noqa: S324  # nginx's
    return f"{path}?expires={expires}&signature={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_a_public_object_is_fetched_once_and_may_be_kept_for_good(store) -> None:
    key = put(store, "pub")

    first, second = (requests.get(f"{EDGE}/test/{key}", timeout=5) for _ in range(2))

    assert (first.status_code, first.content, first.headers["Content-Type"]) == (200, b"a picture", "image/jpeg")
    assert [answer.headers["X-Cache"] for answer in (first, second)] == ["MISS", "HIT"]
    assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_cached_object_is_served_after_it_left_the_store(store) -> None:
    key = put(store, "pub")
    requests.get(f"{EDGE}/test/{key}", timeout=5)
    store.delete_object(Bucket="test", Key=key)

    assert requests.get(f"{EDGE}/test/{key}", timeout=5).content == b"a picture"


def test_a_query_makes_no_second_copy_and_does_not_reach_the_store(store) -> None:
    key = put(store, "pub")
    requests.get(f"{EDGE}/test/{key}", timeout=5)

    assert requests.get(f"{EDGE}/test/{key}?acl&versions", timeout=5).headers["X-Cache"] == "HIT"


def test_what_is_not_there_is_404_and_not_kept() -> None:
    answer = requests.get(f"{EDGE}/test/pub/{secrets.token_hex(16)}.jpg", timeout=5)

    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"


def test_head_and_ranges_and_conditions_are_answered(store) -> None:
    url = f"{EDGE}/test/{put(store, 'pub')}"
    etag = requests.get(url, timeout=5).headers["ETag"]

    assert requests.head(url, timeout=5).headers["Content-Length"] == "9"
    assert requests.get(url, headers={"Range": "bytes=2-8"}, timeout=5).content == b"picture"
    assert requests.get(url, headers={"If-None-Match": etag}, timeout=5).status_code == 304


@pytest.mark.parametrize(
    "path", ["/", "/photos/", "/photos/pub/ready.txt", "/test/", "/test/pub/", "/pub/", "/?list-type=2"]
)
def test_no_address_lists_a_bucket_or_reaches_one_by_name(path: str) -> None:
    answer = requests.get(EDGE + path, timeout=5)

    assert answer.status_code == 404
    assert b"<Contents>" not in answer.content


@pytest.mark.parametrize("verb", ["PUT", "POST", "DELETE"])
def test_nothing_can_be_written_through_the_edge(store, verb: str) -> None:
    key = put(store, "pub")

    assert requests.request(verb, f"{EDGE}/test/{key}", data=b"x", timeout=5).status_code == 403
    assert requests.get(f"{EDGE}/test/{key}", timeout=5).content == b"a picture"


def test_a_private_object_needs_a_signature_that_is_ours_and_still_good(store) -> None:
    path = f"/test/{put(store, 'prv')}"
    later = int(time.time()) + 3600

    assert requests.get(EDGE + path, timeout=5).status_code == 403
    assert requests.get(EDGE + signed(path, later, key="not-the-key"), timeout=5).status_code == 403
    assert requests.get(EDGE + signed(path, later).replace(str(later), str(later + 1)), timeout=5).status_code == 403
    assert requests.get(EDGE + signed(path, int(time.time()) - 1), timeout=5).status_code == 410
    good = requests.get(EDGE + signed(path, later), timeout=5)
    assert (good.status_code, good.content) == (200, b"a picture")
    assert good.headers["Cache-Control"] == "private, max-age=3600"


def test_two_signatures_share_one_copy_and_the_copy_opens_to_nobody_else(store) -> None:
    path = f"/test/{put(store, 'prv')}"
    later = int(time.time()) + 3600
    requests.get(EDGE + signed(path, later), timeout=5)

    assert requests.get(EDGE + signed(path, later + 3600), timeout=5).headers["X-Cache"] == "HIT"
    assert requests.get(EDGE + path, timeout=5).status_code == 403


def test_the_store_itself_lists_nothing_to_strangers() -> None:
    assert requests.get(f"{settings.S3_ENDPOINT}/test?list-type=2", timeout=5).status_code == 403


# --- Purging ---------------------------------------------------------------------------------------------------------


def test_a_purged_object_is_gone_at_once_and_no_byte_of_it_is_left_in_the_cache(store) -> None:
    body = secrets.token_hex(40_000).encode()
    key = put(store, "pub", body)
    url = f"{EDGE}/test/{key}"
    assert [requests.get(url, timeout=5).headers["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]
    assert cached_files_with(body[-64:])

    store.delete_object(Bucket="test", Key=key)
    assert storage.purge([key]) == 1

    assert not cached_files_with(body[-64:])
    assert not cached_files_with(key.encode())
    assert requests.get(url, timeout=5).status_code == 404
    assert not cached_files_with(key.encode())  # nor of the question
    assert storage.purge([key]) == 0
    assert storage.purge([f"pub/{secrets.token_hex(16)}.jpg"]) == 0


def test_a_purge_of_an_object_that_is_still_stored_costs_one_fetch(store) -> None:
    url = f"{EDGE}/test/{(key := put(store, 'pub'))}"
    requests.get(url, timeout=5)
    storage.purge([key])

    assert [requests.get(url, timeout=5).headers["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]


def test_a_purged_private_object_is_gone_whoever_signed_for_it(store) -> None:
    key = put(store, "prv")
    path = signed(f"/test/{key}", int(time.time()) + 3600)
    requests.get(EDGE + path, timeout=5)
    store.delete_object(Bucket="test", Key=key)
    storage.purge([key])

    assert requests.get(EDGE + path, timeout=5).status_code == 404


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "POST"])
def test_the_purge_door_gives_nothing_away_and_takes_nothing_in(store, verb: str) -> None:
    key = put(store, "pub")
    requests.get(f"{EDGE}/test/{key}", timeout=5)
    door = f"http://{settings.CDN_PURGE_ADDRESSES[0]}"

    assert requests.request(verb, f"{door}/{cache_file(f'/test/{key}')}", timeout=5).status_code == 403
    assert requests.request(verb, f"{door}/../nginx.pid", timeout=5).status_code == 404


def test_nobody_purges_through_the_edge_itself(store) -> None:
    key = put(store, "pub")
    requests.get(f"{EDGE}/test/{key}", timeout=5)

    assert requests.delete(f"{EDGE}/{cache_file(f'/test/{key}')}", timeout=5).status_code == 404
    assert requests.get(f"{EDGE}/test/{key}", timeout=5).headers["X-Cache"] == "HIT"


# --- An edge of the test's own, in front of a store that does as it is told -------------------------------------------


def test_many_who_miss_the_same_object_at_once_cost_the_store_one_fetch(own_edge) -> None:
    own_edge.store.held.clear()
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(own_edge.get) for _ in range(8)]
        wait_until(lambda: own_edge.store.asked, what="the store is asked")
        own_edge.store.held.set()
        assert {answer.result().content for answer in answers} == {b"first"}
    assert own_edge.store.asked == 1


def test_what_is_past_its_time_is_served_while_it_is_fetched_anew(own_edge) -> None:
    own_edge.get()
    own_edge.store.body = b"second"
    own_edge.store.held.clear()  # whoever waited for the store would wait for good
    stale = wait_until(
        lambda: (answer := own_edge.get()).headers["X-Cache"] in ("STALE", "UPDATING") and answer, what="time passes"
    )

    assert (stale.status_code, stale.content) == (200, b"first")
    wait_until(lambda: own_edge.store.asked == 2, what="the edge asks in the background")
    own_edge.store.held.set()
    wait_until(lambda: own_edge.get().content == b"second", what="the new one is served")


def test_what_is_past_its_time_is_served_while_the_store_is_away(own_edge) -> None:
    own_edge.get()
    own_edge.store.status = 503

    wait_until(lambda: own_edge.get().headers["X-Cache"] == "STALE", what="time passes")
    assert own_edge.get().content == b"first"


def test_what_was_not_there_is_there_once_it_is_stored(own_edge) -> None:
    own_edge.store.status = 404
    assert own_edge.get().status_code == 404
    own_edge.store.status = 200

    assert own_edge.get().status_code == 200


class Store(ThreadingHTTPServer):
    """Answers what it is told, counts how often it is asked, and waits while it is held."""

    body, status, asked = b"first", 200, 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.held = threading.Event()
        self.held.set()


class Asked(BaseHTTPRequestHandler):
    """One request."""

    server: Store

    def do_GET(self) -> None:
        """Answer."""
        self.server.asked += 1
        status, body = self.server.status, self.server.body
        self.server.held.wait(20)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class OwnEdge:
    """An edge whose copies are past their time after a second."""

    port: int
    store: Store

    def get(self) -> requests.Response:
        """Ask for an object, always the same."""
        return requests.get(f"http://127.0.0.1:{self.port}/pub/a.jpg", timeout=15)


@pytest.fixture
def own_edge():
    # Not pytest's tmp_path: that is closed to the servers' account.
    state = Path(tempfile.mkdtemp(prefix="instagram-edge-"))
    account = accounts.servers()
    account.own(state)
    store = Store()
    threading.Thread(target=store.serve_forever, daemon=True).start()
    port, purge_port = free_port(), free_port()
    with override_settings(
        STATE_DIR=state, CDN_PORT=port, CDN_PURGE_PORT=purge_port, S3_PORT=store.server_port, CDN_CACHE_S=1
    ):
        (state / "data" / "nginx_cdn").mkdir(parents=True)
        for made in (state / "data", state / "data" / "nginx_cdn"):
            account.own(made)
        (state / "cdn.conf").write_text(render.rendered("nginx/cdn.conf"))
    account.own(state / "cdn.conf")
    process = subprocess.Popen(
        ["/usr/sbin/nginx", "-c", str(state / "cdn.conf"), "-e", "stderr", "-g", "daemon off;"],
        cwd="/",
        **account.popen_arguments(),
    )
    try:
        wait_until(lambda: answers(port), what="the edge answers")
        yield OwnEdge(port, store)
    finally:
        store.held.set()
        process.terminate()
        process.wait(10)
        store.shutdown()
        store.server_close()
        shutil.rmtree(state)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def cached_files_with(needle: bytes) -> list[Path]:
    cache = settings.STATE_DIR / "data" / "nginx_cdn" / "cache"
    return [path for path in cache.rglob("*") if path.is_file() and needle in path.read_bytes()]
