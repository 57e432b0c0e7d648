"""/status and /status.json: for people and for watchers from outside."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from .status import board
from .status.making import LOOK_S

_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the page. 503 only when the service works for nobody."""
    shown = board()
    facts = shown | {"switches": [_with_moments(each) for each in shown["switches"]]}
    facts |= {name: _moment(shown[name]) for name in ("at", "restorable_to", "proven_at") if name in shown}
    answer = render(request, "monitoring/status.html", facts)
    answer["Content-Security-Policy"] = _POLICY
    return _sent(answer, shown)


@require_safe
def as_json(_request: HttpRequest) -> HttpResponse:
    """Return the same for programs."""
    shown = board()
    return _sent(JsonResponse(shown), shown)


def _sent(answer: HttpResponse, shown: dict[str, Any]) -> HttpResponse:
    answer.status_code = 503 if shown["status"] == "down" else 200
    # Whatever stands between may keep it as long as we do.
    answer["Cache-Control"] = f"public, max-age={LOOK_S}"
    return answer


def _with_moments(switch: dict[str, Any]) -> dict[str, Any]:
    until = switch["until"]
    return switch | {"since": _moment(switch["since"]), "until": until and _moment(until)}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
