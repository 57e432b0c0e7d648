"""python -m stack.page: serve the page until told to stop."""

import os
import signal
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

from stack.page import views

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instagram.settings.development")

#: Scripts, frames and images of others have no place here; mails bring their own HTML.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:;"
    " form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Handler(BaseHTTPRequestHandler):
    """Answers GET."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Answer one page."""
        # Another site's script may reach this address under a name of its own; it would read mails here.
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if host not in {"127.0.0.1", "localhost", "::1"}:
            self._send(HTTPStatus.FORBIDDEN, "This page answers to 127.0.0.1 and localhost alone.")
            return
        address = urlsplit(self.path)
        view = views.PAGES.get(address.path)
        if view is None:
            self._send(HTTPStatus.NOT_FOUND, views.missing())
            return
        self._send(HTTPStatus.OK, view({name: values[-1] for name, values in parse_qs(address.query).items()}))

    do_HEAD = do_GET

    def _send(self, status: HTTPStatus, page: str) -> None:
        body = page.encode(errors="replace")
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the page asks for itself every few seconds."""


def main() -> None:
    """Serve."""
    django.setup(set_prefix=False)
    server = ThreadingHTTPServer((settings.LISTEN_HOST, settings.STACK_PAGE_PORT), Handler)
    server.daemon_threads = True
    # From another thread: shutdown() waits for the loop that the signal has interrupted.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"serves http://127.0.0.1:{settings.STACK_PAGE_PORT}", flush=True)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
