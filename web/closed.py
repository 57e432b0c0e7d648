"""Pages while the service is read-only: forms are refused before they do anything, and so is what a shard refuses."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from instagram.errors import Unavailable
from switches.guards import refuse_writes
from switches.state import all_active

from .pages import page, signed_in

_SAFE = ("GET", "HEAD", "OPTIONS")


class ReadOnlyPages:
    """Middleware for the pages of this room; the API answers for itself, and staff work on in Django admin."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        """Refuse a form with 503 while nothing may be written."""
        if request.method in _SAFE or not _is_ours(view) or not all_active():
            return None
        me = signed_in(request)
        try:
            refuse_writes(me.pk if me else None)
        except Unavailable as error:
            return _told(request, error)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Say in a page that something is away, where a view did not."""
        match = request.resolver_match
        ours = match is not None and _is_ours(match.func)
        return _told(request, error) if ours and isinstance(error, Unavailable) else None


def _is_ours(view: Any) -> bool:
    return str(getattr(view, "__module__", "")).startswith("web.")


def _told(request: HttpRequest, error: Unavailable) -> HttpResponse:
    text = error.message[:1].upper() + error.message[1:].rstrip(".") + "."
    answer = page(request, "problem", {"title": "Please try again later", "text": text}, status=error.status)
    if error.retry_after_s is not None:
        answer["Retry-After"] = str(error.retry_after_s)
    return answer
