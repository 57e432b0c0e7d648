"""The web as it runs, Gunicorn behind nginx, of a test's own and on the test databases; and raw requests to it."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from django.conf import settings

from tests.support.own_front import own_front
from tests.support.own_servers import OwnServer

BOUNDARY = "cut-here"


@dataclass
class OwnWeb:
    """Gunicorn with two processes, nginx before it, and the directory where nginx keeps bodies."""

    gunicorn: OwnServer
    nginx: OwnServer
    bodies: Path

    def kill_gunicorn(self) -> None:
        """Kill all its processes at once (SIGKILL)."""
        _kill(self.gunicorn)


@contextmanager
def own_web(*, body_timeout: str = "30s", logs: Path | None = None, **env: str) -> Iterator[OwnWeb]:
    """Yield the web, started. logs: a folder for gunicorn.log and nginx's access.log. env: of Gunicorn, beside ours."""
    gunicorn = OwnServer(
        [sys.executable, "-m", "gunicorn", "instagram.wsgi:application", "--no-control-socket"]
        + ["--bind", "127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "2", "--threads", "4"],
        env={"DJANGO_SETTINGS_MODULE": "instagram.settings.test"} | env,
        log=logs / "gunicorn.log" if logs else None,
    )
    with ExitStack() as stack:
        stack.callback(_kill, gunicorn)
        gunicorn.start()
        front = own_front(gunicorn.port, body_timeout=body_timeout, access_log=logs and logs / "access.log")
        nginx, folder = stack.enter_context(front)
        yield OwnWeb(gunicorn, nginx, folder / "body")


@contextmanager
def store_that_never_answers() -> Iterator[str]:
    """Yield the address of an object store that does what it is told, and whose answers are lost."""
    real = urlsplit(settings.S3_ENDPOINT)

    def carry(sender: socket.socket) -> None:
        with closing(sender), socket.create_connection((real.hostname, real.port)) as receiver:
            while data := sender.recv(65_536):
                receiver.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    sender, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=carry, args=[sender], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def multipart(path: str, image: bytes, **fields: str) -> bytes:
    """Return a whole POST of a form, photo in the middle: fields in order, the last one after it."""
    *before, after = fields.items()
    parts = [_part(name, value.encode()) for name, value in before]
    parts += [_part('photo"; filename="photo.jpg', image), _part(after[0], after[1].encode())]
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def sent(server: OwnServer, request: bytes, *, abruptly: bool = False) -> bytes:
    """Send what there is of a request and close; return what was answered: nothing, if closed abruptly (RST)."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as link:
        link.sendall(request)
        if abruptly:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return b""
        link.shutdown(socket.SHUT_WR)
        answer = b""
        while data := link.recv(65_536):
            answer += data
        return answer


def _kill(server: OwnServer) -> None:
    if server.process is not None:
        children = psutil.Process(server.process.pid).children()
        server.kill()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()


def _part(name: str, value: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return head.encode() + value + b"\r\n"
