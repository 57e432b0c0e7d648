"""The CDN edge of the running data centre: what it serves, keeps and refuses. Objects live in the tests' bucket."""

import base64
import hashlib
import secrets
import time

import boto3
import pytest
import requests
from django.conf import settings

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
