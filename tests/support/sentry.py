"""A server that takes reports as Sentry does: the envelope endpoint, gzip or Brotli; and one that never answers."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.waiting import wait_until


@dataclass
class Tracker:
    """What arrived: whole bodies, unpacked, and the events in them."""

    dsn: str = ""
    bodies: list[bytes] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def one(self) -> dict[str, Any]:
        """Return the event, once it is there; it must be the only one."""
        wait_until(lambda: self.events, what="a report arrives")
        assert len(self.events) == 1, [each.get("exception") or each.get("logentry") for each in self.events]
        return self.events[0]

    def told(self) -> bytes:
        """Return everything that arrived."""
        return b"\n".join(self.bodies)

    def take(self, body: bytes) -> None:
        """Read an envelope: a line of JSON, then items, each a line of JSON with a length, and so many bytes."""
        self.bodies.append(body)
        _, _, rest = body.partition(b"\n")
        while rest.strip():
            line, _, rest = rest.partition(b"\n")
            head = json.loads(line)
            length = head.get("length", len(rest))
            payload, rest = rest[:length], rest[length:].lstrip(b"\n")
            if head["type"] == "event":
                self.events.append(json.loads(payload))


@contextmanager
def a_tracker() -> Iterator[Tracker]:
    """Yield a tracker that listens."""
    tracker = Tracker()

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            assert self.path.startswith("/api/1/envelope/"), self.path
            match self.headers.get("Content-Encoding"):
                case "gzip":
                    body = gzip.decompress(body)
                case "br":
                    import brotli  # noqa: PLC0415  # the library packs with it only where it is installed

                    body = brotli.decompress(body)
            tracker.take(body)
            answer = b'{"id":"0"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:
            """Play another service."""
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    tracker.dsn = f"http://key@127.0.0.1:{server.server_port}/1"
    yield tracker
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def a_tracker_that_hangs() -> Iterator[str]:
    """Yield the DSN of a tracker that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"http://key@127.0.0.1:{listener.getsockname()[1]}/1"
