"""What every request passes."""

import re
import secrets
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from instagram import counting
from instagram.tracing import request_id

_ID = re.compile(r"[0-9A-Za-z_-]{8,64}")


def request_ids(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Name every request as the app front named it (X-Request-Id), for its jobs and the logs."""

    def named(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        token = request_id.set(given if _ID.fullmatch(given) else secrets.token_hex(16))
        try:
            return get_response(request)
        finally:
            request_id.reset(token)

    return named


def counted(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Count requests by door and class of status, and note how long the view took; health checks are left out."""

    def timed(request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        response = get_response(request)
        door = _door(request.path_info)
        if door:
            counting.count("requests", door=door, status=f"{response.status_code // 100}xx")
            counting.observe("request_seconds", time.monotonic() - began, door=door)
        return response

    return timed


def _door(path: str) -> str:
    """Return which door a path leads to; empty for those who only look whether we are well."""
    first = path.removeprefix("/").partition("/")[0]
    if first in ("health", "metrics", "status"):
        return ""
    return {"v1": "api", "oauth": "api", "admin": "admin"}.get(first, "web")
