"""What every request passes."""

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from jobs.context import request_id

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
