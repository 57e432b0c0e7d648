"""A developer's application: a real HTTP server on loopback that answers handshakes and takes updates."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from accounts.models import OAuthClient
from jobs.testing import run_until_idle
from notifications.models import Callback


@dataclass
class Request:
    """What arrived."""

    verb: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}

    @property
    def updates(self) -> list[dict[str, Any]]:
        return json.loads(self.body)


@dataclass
class Application:
    """The server; its answers can be changed: `challenge` for handshakes, `status` for updates."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    #: Request -> (status, headers, body).
    challenge: Callable[[Request], tuple[int, dict[str, str], bytes]] = lambda request: (
        200,
        {},
        request.query["hub.challenge"].encode(),
    )
    status: int = 200
    #: Seconds between the bytes of a body; 0: at once.
    drip_s: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def handshakes(self) -> list[Request]:
        return [each for each in self.requests if each.verb == "GET"]

    @property
    def posts(self) -> list[Request]:
        return [each for each in self.requests if each.verb == "POST"]

    @property
    def updates(self) -> list[dict[str, Any]]:
        return [update for post in self.posts for update in post.updates]


@contextmanager
def an_application(tls: ssl.SSLContext | None = None) -> Iterator[Application]:
    """Yield a server on a free port, with its thread; it is gone afterwards."""
    application = Application()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes) -> None:
            request = Request(self.command, self.path, dict(self.headers.items()), body)
            application.requests.append(request)
            status, headers, content = application.status, {}, b"thanks"
            if self.command == "GET":
                status, headers, content = application.challenge(request)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                if application.drip_s:
                    for position in range(len(content)):
                        self.wfile.write(content[position : position + 1])
                        time.sleep(application.drip_s)  # the slowness is what is tested
                else:
                    self.wfile.write(content)
            except OSError:
                pass  # they hung up

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    application.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield application
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def a_client(**facts: Any) -> Iterator[OAuthClient]:
    """Yield a developer's client; its subscriptions end with the test, so that no other test runs their jobs."""
    client = OAuthClient.objects.create(name="A viewer", **facts)
    try:
        yield client
    finally:
        Callback.objects.filter(client=client).delete()
        client.geography_set.all().delete()
        run_until_idle()
