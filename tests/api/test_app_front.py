"""What nginx answers by itself below /v1: in the envelope, with the headers of every answer."""

import http.client
import json
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.support.own_web import OwnWeb, own_web


@pytest.fixture(scope="module")
def web() -> Iterator[OwnWeb]:
    with own_web() as running:
        yield running


def told(web: OwnWeb, verb: str, path: str, **headers: str) -> tuple[int, str]:
    """Return the status and error_type of a refusal, checked: its form, its headers, and that meta says the same."""
    link = http.client.HTTPConnection("127.0.0.1", web.nginx.port, timeout=10)
    link.putrequest(verb, path)
    for name, value in headers.items():
        link.putheader(name, value)
    link.endheaders()
    answer = link.getresponse()
    meta = json.loads(answer.read())["meta"]
    link.close()
    limit = str(settings.RATE_LIMIT_PER_HOUR)
    assert meta["code"] == answer.status
    assert answer.getheader("Content-Type") == "application/json; charset=utf-8"
    assert (answer.getheader("X-Ratelimit-Limit"), answer.getheader("X-Ratelimit-Remaining")) == (limit, limit)
    assert answer.getheader("X-Request-Id")
    return answer.status, meta["error_type"]


def test_a_body_over_the_limit_is_413(web: OwnWeb) -> None:
    told_length = {"Content-Length": str(settings.UPLOAD_MAX_BYTES * 2)}

    assert told(web, "POST", "/v1/media.json", **told_length) == (413, "APIInvalidParametersError")


@pytest.mark.parametrize(
    ("path", "header"),
    [("/v1/media/%00", "x"), ("/v1/users/self?access_token=" + "x" * 20_000, "x"), ("/v1/users/self", "x" * 40_000)],
    ids=["null character", "long address", "long header"],
)
def test_what_cannot_be_read_is_400(web: OwnWeb, path: str, header: str) -> None:
    assert told(web, "GET", path, Cookie=header) == (400, "APIInvalidParametersError")


def test_an_application_that_is_down_is_502() -> None:
    with own_web() as web:
        web.kill_gunicorn()

        assert told(web, "GET", "/v1/users/self") == (502, "APIError")
