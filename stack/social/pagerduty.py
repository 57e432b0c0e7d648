"""PagerDuty as the stand-in has it: the Events API v2, which takes triggers and resolves and checks their form."""

from collections.abc import Callable
from typing import Any

from .messages import Answer, Request, as_json
from .state import State

HOSTS = ("events.pagerduty.com",)
_SEVERITIES = ("critical", "warning", "error", "info")
_NEEDED = ("summary", "source", "severity")


def answer(request: Request, _state: State, take: Callable[..., int]) -> Answer:
    """Answer one request."""
    if (request.method, request.path) != ("POST", "/v2/enqueue"):
        return as_json(404, {"message": "Not Found"})
    event = request.json
    faults = _faults(event) if isinstance(event, dict) else ["the body is no JSON object"]
    if faults:
        return as_json(400, {"status": "invalid event", "message": "Event object is invalid", "errors": faults})
    payload = event.get("payload") or {}
    record: dict[str, Any] = {
        "action": event["event_action"],
        "dedup_key": event.get("dedup_key") or f"made-here-{id(event)}",
        "text": payload.get("summary", ""),
        "severity": payload.get("severity", ""),
        "payload": payload,
    }
    take("pagerduty", event["routing_key"][-4:], record)
    return as_json(202, {"status": "success", "message": "Event processed", "dedup_key": record["dedup_key"]})


def _faults(event: dict[str, Any]) -> list[str]:
    """Return what stands against an event, in PagerDuty's words."""
    faults = []
    action = event.get("event_action")
    if not event.get("routing_key"):
        faults.append("'routing_key' is missing or blank")
    if action not in ("trigger", "acknowledge", "resolve"):
        faults.append("'event_action' must be one of trigger, acknowledge, resolve")
    if action != "trigger" and not event.get("dedup_key"):
        faults.append("'dedup_key' is missing or blank")
    if len(str(event.get("dedup_key", ""))) > 255:
        faults.append("'dedup_key' is longer than 255 characters")
    if action == "trigger":
        payload = event.get("payload") or {}
        faults += [f"'payload.{name}' is missing or blank" for name in _NEEDED if not payload.get(name)]
        if payload.get("severity") not in _SEVERITIES:
            faults.append("'payload.severity' is invalid (must be one of critical, warning, error, info)")
        if len(str(payload.get("summary", ""))) > 1024:
            faults.append("'payload.summary' is longer than 1024 characters")
    return faults
