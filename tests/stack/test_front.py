"""The app front: whom it believes, what it lets through, how long it waits. Real nginx before an application that tells
what reached it."""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from django.test import override_settings

from stack import render, tls
from stack.errors import StackError
from tests.support.deserters import AppFront
from tests.support.own_front import own_front
from tests.support.own_servers import OwnServer
from tests.support.waiting import wait_until

JOHN = "203.0.113.7"


class Teller(BaseHTTPRequestHandler):
    """Answers with the headers that reached it, and remembers how many requests did."""

    protocol_version = "HTTP/1.1"
    reached = 0

    def do_GET(self) -> None:
        """Tell."""
        type(self).reached += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # the name is http.server's

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def teller() -> Iterator[int]:
    """The port of an application that tells what reached it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Teller)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def front(teller: int) -> Iterator[tuple[OwnServer, Path]]:
    """As in the full data centre, behind a load balancer on 127.0.0.1; three knocks at once, then one a minute."""
    with own_front(teller, KNOWN_PROXIES=["127.0.0.1"], DOOR_ATTEMPTS_PER_MINUTE=1, DOOR_ATTEMPTS_AT_ONCE=2) as made:
        yield made


@pytest.fixture(scope="module")
def bare_front(teller: int) -> Iterator[OwnServer]:
    """As in the lean data centre: nobody before it is known."""
    with own_front(teller, KNOWN_PROXIES=[]) as (nginx, _):
        yield nginx


def reached_as(nginx: OwnServer, **headers: str) -> dict[str, str]:
    """Return the headers that reach the application."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    told: dict[str, str] = requests.get(f"http://{nginx.address}/", headers=sent, timeout=5).json()
    return told


def test_a_known_proxy_says_who_the_client_is_how_it_came_and_what_the_request_is_called(front):
    nginx, folder = front

    told = reached_as(nginx, X_Forwarded_For=JOHN, X_Forwarded_Proto="https", X_Request_Id="called-so-by-haproxy")

    assert told["x-forwarded-for"] == JOHN
    assert told["x-forwarded-proto"] == "https"
    assert told["x-request-id"] == "called-so-by-haproxy"
    wait_until(lambda: "called-so-by-haproxy" in (folder / "access.log").read_text(), what="the line in the access log")
    line = json.loads((folder / "access.log").read_text().splitlines()[-1])
    assert (line["client"], line["request_id"]) == (JOHN, "called-so-by-haproxy")
    assert float(line["app_seconds"]) < 5
    assert line["app"].startswith("127.0.0.1:")


def test_from_a_stranger_none_of_these_headers_is_believed(bare_front):
    told = reached_as(bare_front, X_Forwarded_For=JOHN, X_Forwarded_Proto="https", X_Request_Id="called-so-by-me")

    assert told["x-forwarded-for"] == "127.0.0.1"
    assert told["x-forwarded-proto"] == "http"
    assert told["x-request-id"] not in ("called-so-by-me", "")


@pytest.mark.parametrize("name", ["short", "with spaces in it", 'quo"ted-in-the-log', "x" * 65])
def test_a_name_that_would_not_do_for_a_request_is_replaced(front, name):
    assert reached_as(front[0], X_Request_Id=name)["x-request-id"] != name


def knock(nginx: OwnServer, path: str, client: str, verb: str = "POST") -> requests.Response:
    address = f"http://{nginx.address}{path}"
    return requests.request(verb, address, headers={"X-Forwarded-For": client}, data="x=1", timeout=5)


@pytest.mark.parametrize(
    ("path", "client"),
    [
        ("/oauth/access_token", "198.51.100.1"),
        ("/oauth/access_token.json/", "198.51.100.2"),
        ("/v1/accounts", "198.51.100.3"),
        ("/v1/accounts/password_reset", "198.51.100.4"),
    ],
)
def test_who_knocks_too_often_at_a_door_of_the_api_is_told_in_the_envelope_when_to_come_back(front, path, client):
    answers = [knock(front[0], path, client) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refused = answers[-1]
    assert refused.json()["meta"]["error_type"] == "OAuthRateLimitException"
    assert refused.json()["meta"]["code"] == 429
    assert int(refused.headers["Retry-After"]) == 61
    assert int(refused.headers["X-Ratelimit-Remaining"]) > 0
    # Others, and other addresses of the service, are none the poorer.
    assert knock(front[0], path, client.replace("198.", "199.")).status_code == 200
    assert knock(front[0], "/v1/media/1/likes", client).status_code == 200
    assert knock(front[0], path, client, "GET").status_code == 200


@pytest.mark.parametrize(
    ("path", "client"),
    [
        ("/accounts/login/", "198.51.100.5"),
        ("/accounts/password_reset", "198.51.100.6"),
        ("/admin/login/", "198.51.100.7"),
    ],
)
def test_who_knocks_too_often_at_a_page_gets_a_page(front, path, client):
    answers = [knock(front[0], path, client) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["Content-Type"] == "text/html; charset=utf-8"
    assert answers[-1].headers["Retry-After"] == "61"
    assert "Too many attempts" in answers[-1].text


@pytest.fixture
def behind_two() -> Iterator[tuple[OwnServer, AppFront, AppFront]]:
    """An nginx before an application that hangs up on everything, and one that answers."""
    with AppFront(hangs_up=True) as deserter, AppFront() as other:
        for each in (deserter, other):
            threading.Thread(target=each.serve_forever, daemon=True).start()
        with own_front(deserter.server_port, other.server_port, KNOWN_PROXIES=[]) as (nginx, _):
            yield nginx, deserter, other
        for each in (deserter, other):
            each.shutdown()


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/v1/media/1_2/likes", 20),
        ("/v1/users/7/relationship.json", 20),
        ("/v1/media?upload_id=a-tap", 3_000_000),
        ("/v1/media/uploads?upload_id=a-tap", 20),
    ],
)
def test_what_is_the_same_done_twice_goes_to_another_gunicorn_when_one_dies_over_it(behind_two, path, size):
    nginx, deserter, other = behind_two

    answers = [requests.post(f"http://{nginx.address}{path}", data=b"x" * size, timeout=10) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert deserter.reached["POST"] > 0
    assert other.reached["POST"] == 4


@pytest.mark.parametrize("path", ["/v1/media", "/v1/media/1_2/comments", "/v1/media?upload_id="])
def test_another_post_is_never_sent_twice(behind_two, path):
    nginx, deserter, other = behind_two

    answers = [requests.post(f"http://{nginx.address}{path}", data=b"x=1", timeout=10) for _ in range(4)]

    lost = [answer for answer in answers if answer.status_code == 502]
    assert len(lost) == deserter.reached["POST"] > 0
    assert other.reached["POST"] == 4 - len(lost)
    assert all(answer.json()["meta"]["code"] == 502 for answer in lost)


def test_a_picture_that_is_too_large_is_refused_in_the_envelope_with_a_key_and_without(bare_front):
    for path in ("/v1/media", "/v1/media?upload_id=a-tap"):
        with closing(socket.create_connection(("127.0.0.1", bare_front.port), timeout=5)) as link:
            link.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n".encode())
            answer = http.client.HTTPResponse(link)
            answer.begin()
            assert answer.status == 413
            assert json.loads(answer.read())["meta"]["code"] == 413


def test_forty_phones_that_send_slowly_reach_no_thread_of_the_application_and_delay_nobody(bare_front):
    before = Teller.reached
    phones = [socket.create_connection(("127.0.0.1", bare_front.port), timeout=5) for _ in range(40)]
    try:
        for phone in phones:
            phone.sendall(
                b"POST /v1/media HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000
            )

        reached_as(bare_front)

        assert Teller.reached == before + 1
        phones[0].sendall(b"x" * 50_000)
        assert phones[0].recv(12) == b"HTTP/1.1 200"
    finally:
        for phone in phones:
            phone.close()


def test_text_is_compressed_for_who_can_read_it_and_caches_are_told_so(bare_front):
    headers = {"X-Long": "x" * 2_000}

    packed = requests.get(f"http://{bare_front.address}/v1/x", headers=headers, timeout=5)
    plain = requests.get(f"http://{bare_front.address}/v1/x", headers=headers | {"Accept-Encoding": ""}, timeout=5)

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


def spoken(port: int, certificate: dict[str, str], newest: ssl.TLSVersion) -> str | None:
    """Return the version of TLS, and the protocol in it, that a client gets which speaks none newer."""
    context = ssl.create_default_context(cafile=certificate["TLS_CERTIFICATE_FILE"])
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with (
        closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        return f"{secured.version()} {secured.selected_alpn_protocol()}"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")  # old ones, to be refused
def test_with_a_certificate_it_speaks_modern_tls_and_tells_the_application(teller, certificate):
    with own_front(teller, EDGE_SCHEME="https", **certificate) as (nginx, _):
        answer = requests.get(f"https://localhost:{nginx.port}/", verify=certificate["TLS_CERTIFICATE_FILE"], timeout=5)
        plain = requests.get(f"http://localhost:{nginx.port}/p/x?y=1", allow_redirects=False, timeout=5)

        assert answer.json()["x-forwarded-proto"] == "https"
        assert (plain.status_code, plain.headers["Location"]) == (308, f"https://localhost:{nginx.port}/p/x?y=1")
        assert spoken(nginx.port, certificate, ssl.TLSVersion.TLSv1_3) == "TLSv1.3 h2"
        assert spoken(nginx.port, certificate, ssl.TLSVersion.TLSv1_2) == "TLSv1.2 h2"
        with pytest.raises(ssl.SSLError):
            spoken(nginx.port, certificate, ssl.TLSVersion.TLSv1_1)


def test_half_a_certificate_or_a_strangers_key_is_refused_in_a_sentence(certificate, tmp_path):
    (tmp_path / "other.pem").write_text("no key at all\n")

    with override_settings(**(certificate | {"TLS_KEY_FILE": ""})), pytest.raises(StackError, match="belong together"):
        tls.pem()
    with (
        override_settings(**(certificate | {"TLS_KEY_FILE": str(tmp_path / "other.pem")})),
        pytest.raises(StackError, match="cannot be used"),
    ):
        tls.pem()


def test_a_proxy_that_is_no_address_is_refused_in_a_sentence():
    with override_settings(KNOWN_PROXIES=["balancer; evil"]), pytest.raises(StackError, match="KNOWN_PROXIES"):
        render.values()
