"""How every page of this room is sent: no cache, no frame, no script; and the pages for what went wrong."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

#: Our pages have no script at all. No form-action: browsers hold a form's redirect to the client's address against it.
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data: {cdn}; base-uri 'none'; frame-ancestors 'none'"


def page(request: HttpRequest, template: str, facts: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render templates/web/<template>.html; it sees who is signed in as `me`, display=touch as `touch`."""
    touch = request.GET.get("display") == "touch"
    context = {"me": signed_in(request), "touch": touch} | facts
    response = render(request, f"web/{template}.html", context, status=status)
    response["Cache-Control"] = "private, no-store"
    response["X-Frame-Options"] = "DENY"
    response["Content-Security-Policy"] = _POLICY.format(cdn=settings.CDN_BASE_URL)
    return response


def signed_in(request: HttpRequest) -> Any:
    """Return the person of this browser's session, None for nobody: also for who is suspended or away."""
    user = request.user
    return user if user.is_authenticated and user.is_active and user.deactivated_at is None else None


def missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404; also for addresses that are nobody's: Django's handler404."""
    return page(request, "problem", {"title": "Not found", "text": "There is no such page."}, status=404)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without its CSRF token: Django's CSRF_FAILURE_VIEW."""
    text = "This form is too old, or did not come from our pages. Go back, reload the page and try again."
    return page(request, "problem", {"title": "Please try again", "text": text}, status=403)
