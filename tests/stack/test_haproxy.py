"""The load balancer: what it tells the app fronts, what it never sends twice, what it says when it is alone."""

import http.client
import json
import re
import shutil
import socket
import ssl
import tempfile
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.test import override_settings

from stack import render
from tests.support.deserters import AppFront
from tests.support.own_servers import OwnServer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(
    not Path("/usr/sbin/haproxy").exists(), reason="haproxy is not installed: bin/up --full and bin/test --faults do"
)


@contextmanager
def balancer(*fronts: AppFront, **changed: Any) -> Iterator[OwnServer]:
    """Yield HAProxy with the configuration it really has, before these app fronts, all of them well."""
    folder = Path(tempfile.mkdtemp(prefix="haproxy-"))
    (folder / "etc").mkdir()
    haproxy, stats = (OwnServer(["/usr/sbin/haproxy", "-db", "-f", str(folder / "haproxy.cfg")]) for _ in range(2))
    own = {
        "HAPROXY_SOCKET": folder / "admin.sock",
        "HAPROXY_STATS_PORT": stats.port,
        "APP_FRONTS": "\n".join(
            f"  server a{front.server_port} 127.0.0.1:{front.server_port} check" for front in fronts
        ),
    }
    with override_settings(STATE_DIR=folder, STACK_KIND="full", APP_PORT=haproxy.port, **changed):
        (folder / "haproxy.cfg").write_text(render.rendered("stack/templates/haproxy.cfg", own))
        (folder / "etc" / "tls.pem").write_text(render.files().get("tls.pem", ""))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        for front in fronts:
            threading.Thread(target=front.serve_forever, daemon=True).start()
            stack.callback(front.server_close)
            stack.callback(front.shutdown)
        stack.callback(haproxy.kill)
        haproxy.start()
        yield haproxy


def test_who_the_client_is_and_what_the_request_is_called_is_the_balancers_to_say() -> None:
    with balancer(AppFront()) as haproxy:
        claimed = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Request-Id": "called-so-by-me"}
        told = requests.get(f"http://{haproxy.address}/", headers=claimed, timeout=5).json()

    assert told["x-forwarded-for"] == "127.0.0.1"
    assert told["x-forwarded-proto"] == "http"
    assert uuid.UUID(told["x-request-id"])


def test_a_get_that_an_app_front_lets_down_goes_to_another_and_a_post_is_never_sent_twice() -> None:
    deserter, other = AppFront(hangs_up=True), AppFront()
    with balancer(deserter, other) as haproxy:
        url = f"http://{haproxy.address}/v1/media"
        read = Counter(requests.get(url, timeout=10).status_code for _ in range(12))
        sent = Counter(requests.post(url, data="x=1", timeout=10).status_code for _ in range(12))

    assert read == {200: 12}
    assert deserter.reached["GET"] > 0
    assert sent[200] + sent[502] == 12
    assert (deserter.reached["POST"], other.reached["POST"]) == (sent[502], sent[200])
    assert sent[502] > 0


LIKE, KEYED = "/v1/media/1_2/likes", "/v1/media?upload_id=a-tap"


@pytest.mark.parametrize(("path", "size"), [(LIKE, 20), (f"{LIKE}.json", 20), (KEYED, 300_000), (f"{KEYED}&x=1", 20)])
def test_what_is_the_same_done_twice_goes_to_another_even_when_its_body_comes_late(path: str, size: int) -> None:
    deserter, other = AppFront(hangs_up=True), AppFront()
    with balancer(deserter, other) as haproxy:
        answers = [said_in_parts(haproxy, path, size) for _ in range(6)]

    assert answers == [200] * 6
    assert deserter.reached["POST"] > 0
    assert other.reached["POST"] == 6


def test_an_upload_that_fits_no_buffer_is_not_sent_twice_and_arrives_whole() -> None:
    deserter, other = AppFront(hangs_up=True), AppFront()
    with balancer(deserter, other) as haproxy:
        answers = Counter(said_in_parts(haproxy, KEYED, 2_000_000) for _ in range(6))

    assert set(answers) == {200, 502}
    assert other.reached["POST"] == answers[200]


def test_an_upload_whose_key_is_empty_is_never_sent_twice() -> None:
    deserter, other = AppFront(hangs_up=True), AppFront()
    with balancer(deserter, other) as haproxy:
        answers = Counter(said_in_parts(haproxy, "/v1/media?upload_id=&x=1", 20) for _ in range(6))

    assert set(answers) == {200, 502}
    assert (deserter.reached["POST"], other.reached["POST"]) == (answers[502], answers[200])


@pytest.mark.parametrize("template", ["stack", "deploy"])
def test_the_slowest_phone_has_time_to_fill_a_buffer(template: str) -> None:
    text = (settings.BASE_DIR / template / "templates" / "haproxy.cfg").read_text()
    (size,) = re.findall(r"^  tune.bufsize (\d+)$", text, re.MULTILINE)
    (minutes,) = re.findall(r"^  http-request wait-for-body time (\d+)m ", text, re.MULTILINE)

    assert int(size) * 8 / (int(minutes) * 60) < 10_000, "bits a second; who is slower gets 408"


def said_in_parts(haproxy: OwnServer, path: str, size: int) -> int:
    """POST as phones do, the headers first and the body a moment later in two parts; return the status."""
    with closing(socket.create_connection(("127.0.0.1", haproxy.port), timeout=10)) as link:
        link.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
        for part in (size // 2, size - size // 2):
            threading.Event().wait(0.05)
            link.sendall(b"x" * part)
        answer = http.client.HTTPResponse(link)
        answer.begin()
        return answer.status


def test_a_post_that_finds_the_door_shut_has_not_been_sent_and_goes_to_another() -> None:
    gone, other = AppFront(), AppFront()
    with balancer(gone, other) as haproxy:
        # Shut at once, before any health question: the balancer still believes it well.
        gone.shutdown()
        gone.socket.close()
        answers = [requests.post(f"http://{haproxy.address}/", data="x=1", timeout=10) for _ in range(8)]

    assert [answer.status_code for answer in answers] == [200] * 8
    assert other.reached["POST"] == 8


def test_alone_it_speaks_the_envelope_to_programs_and_a_sentence_to_people() -> None:
    lost = AppFront()
    with balancer(lost) as haproxy:
        lost.shutdown()
        lost.socket.close()
        wait_until(lambda: requests.get(f"http://{haproxy.address}/", timeout=5).status_code == 503, what="it is alone")
        with closing(http.client.HTTPConnection("127.0.0.1", haproxy.port, timeout=5)) as link:
            link.request("GET", "/v1/users/self/feed")
            answer = link.getresponse()
            body, headers = json.loads(answer.read()), dict(answer.getheaders())
        page = requests.get(f"http://{haproxy.address}/p/x/", timeout=5)

    assert (answer.status, body["meta"]["code"], body["meta"]["error_type"]) == (503, 503, "APIError")
    # As the contract spells them: some clients look them up so.
    assert int(headers["X-Ratelimit-Limit"]) > 0
    assert int(headers["X-Ratelimit-Remaining"]) > 0
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["Retry-After"] == "2"
    assert uuid.UUID(headers["X-Request-Id"])
    assert page.headers["Content-Type"].startswith("text/plain")
    assert "try again" in page.text


def test_what_an_app_front_says_passes_as_it_is() -> None:
    with balancer(AppFront()) as haproxy, closing(http.client.HTTPConnection("127.0.0.1", haproxy.port)) as link:
        link.request("GET", "/v1/x")
        headers = dict(link.getresponse().getheaders())

    assert headers["X-Ratelimit-Limit"] == "7"
    assert "Retry-After" not in headers


def test_with_a_certificate_it_speaks_modern_tls_and_says_so_behind(certificate: dict[str, str]) -> None:
    with balancer(AppFront(), EDGE_SCHEME="https", **certificate) as haproxy:
        address = f"https://localhost:{haproxy.port}/"
        told = requests.get(address, verify=certificate["TLS_CERTIFICATE_FILE"], timeout=5).json()
        context = ssl.create_default_context(cafile=certificate["TLS_CERTIFICATE_FILE"])
        context.set_alpn_protocols(["h2"])
        with (
            closing(socket.create_connection(("127.0.0.1", haproxy.port), timeout=5)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            spoken = (secured.version(), secured.selected_alpn_protocol())

    assert told["x-forwarded-proto"] == "https"
    assert spoken == ("TLSv1.3", "h2")
