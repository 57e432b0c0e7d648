"""The WSGI application that Gunicorn serves."""

import gc
import os
import re
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instagram.settings.development")


def _loaded() -> Callable[..., Iterable[bytes]]:
    """Load all of the service, addresses included: no request waits for that, and a release that cannot ends at once.

    What is loaded stays for life, so the garbage collector looks at it neither now nor ever: that alone is half of
    what a worker's start and end cost (docs/decisions.md).
    """
    gc.disable()
    try:
        from django.core.wsgi import get_wsgi_application  # noqa: PLC0415  # without the garbage collector
        from django.urls import get_resolver  # noqa: PLC0415  # without the garbage collector

        handler = get_wsgi_application()
        get_resolver().url_patterns  # noqa: B018  # a property that imports
    finally:
        gc.freeze()
        gc.enable()
    return handler


_django = _loaded()
_CHARSET = re.compile(r";\s*charset=[^;]*", re.IGNORECASE)


class _WholeBody:
    """A request's body that raises OSError when it ends early, because its connection was cut.

    Gunicorn tells that from a body that is over as little as Django does, which would take half a form for the whole.
    """

    def __init__(self, body: Any, length: int) -> None:
        self._body, self._left = body, length

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data: bytes = self._body.read(wanted)
        self._count(data, ended=len(data) < wanted)
        return data

    def readline(self, size: int = -1) -> bytes:
        line: bytes = self._body.readline(self._left if size < 0 else min(size, self._left))
        self._count(line, ended=not line)
        return line

    def _count(self, data: bytes, *, ended: bool) -> None:
        self._left -= len(data)
        if ended and self._left:
            raise OSError(f"the body ended {self._left} bytes early")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve a request. Everything here is UTF-8: other charsets, which Django would believe, are not heard of."""
    if "charset" in environ.get("CONTENT_TYPE", "").lower():
        environ["CONTENT_TYPE"] = _CHARSET.sub("", environ["CONTENT_TYPE"])
    length = environ.get("CONTENT_LENGTH", "")
    if length.isascii() and length.isdigit():
        environ["wsgi.input"] = _WholeBody(environ["wsgi.input"], int(length))
    return _django(environ, start_response)
