"""What leaves for Sentry."""

import secrets
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
import requests
import sentry_sdk
from django.test import Client

from monitoring import sentry
from tests.support.waiting import wait_until


@pytest.fixture
def reports(settings):
    """A server that takes what a Sentry would; yields the bodies it got."""
    bodies = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"] or 0)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Taker)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.SENTRY_DSN = f"http://key@127.0.0.1:{server.server_port}/1"
    sentry.start()
    # As they come, not compressed.
    sentry_sdk.get_client().transport._compression_algo = None
    yield bodies
    sentry_sdk.get_client().close()
    sentry_sdk.init(dsn=None)
    server.shutdown()
    thread.join()


def test_a_crash_is_reported_without_the_callers_credential(reports, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("api.credentials.identify", broken)
    monkeypatch.setattr("api.v1.base.identify", broken)

    credential = secrets.token_hex(16)  # unlike a literal, in no line of source that a report quotes
    answer = Client(HTTP_X_REQUEST_ID="0123456789abcdef").get("/v1/users/7", {"access_token": credential})
    sentry_sdk.flush(5)

    assert answer.status_code == 500
    told = wait_until(lambda: b"".join(reports))
    assert b"a fault of ours" in told
    assert b"0123456789abcdef" in told
    assert credential.encode() not in told


def test_a_crash_after_a_request_to_another_service_is_reported_without_its_query(reports, settings):
    credential = secrets.token_hex(16)
    server = urlsplit(settings.SENTRY_DSN)
    requests.get(f"http://{server.hostname}:{server.port}/v2/users/self", {"oauth_token": credential}, timeout=5)

    sentry_sdk.capture_exception(RuntimeError("a fault of ours"))
    sentry_sdk.flush(5)

    told = wait_until(lambda: b"".join(reports))
    assert b"/v2/users/self" in told
    assert credential.encode() not in told
