"""What stands behind a proxy (an nginx, a Gunicorn) and may hang up on what it has taken in."""

import json
import socket
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class AppFront(ThreadingHTTPServer):
    """Well by its health; else it tells what reached it, or hangs up if it is to."""

    def __init__(self, *, hangs_up: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hangs_up, self.reached = hangs_up, Counter[str]()


class _Handler(BaseHTTPRequestHandler):
    server: AppFront

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/health/live":
            self.server.reached[self.command] += 1
            if self.server.hangs_up:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("X-Ratelimit-Limit", "7")
        self.send_header("X-Request-Id", self.headers.get("X-Request-Id", ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # the name is http.server's

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""
