"""PagerDuty: one event at a time through its Events API v2."""

import logging
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import requests
from django.conf import settings

from .alarms import Event

log = logging.getLogger(__name__)

#: What PagerDuty takes of a summary, characters.
SUMMARY_MAX = 1_024


class Told(Enum):
    """What became of an event."""

    TAKEN = "taken"
    #: Nobody is to be called: there is no routing key.
    NOBODY = "nobody"
    #: Not now: it is to be sent again.
    LATER = "later"
    #: It will never be taken as it is: a fault of ours.
    REFUSED = "refused"


def dedup_key(key: str) -> str:
    """Return by what PagerDuty knows an alarm again, for the life of this installation; 255 characters at most."""
    return f"{settings.WATCH_SOURCE}/{key}"[:255]


def tell(event: Event) -> Told:
    """Send one event; never raises. Cost: one request of PAGERDUTY_TIMEOUT_S at most."""
    if not settings.PAGERDUTY_ROUTING_KEY:
        return Told.NOBODY
    body = {
        "routing_key": settings.PAGERDUTY_ROUTING_KEY,
        "event_action": event.action,
        "dedup_key": dedup_key(event.key),
    } | ({} if event.action == "resolve" else _facts(event))
    try:
        answer = requests.post(
            f"{settings.PAGERDUTY_URL}/v2/enqueue",
            json=body,
            timeout=settings.PAGERDUTY_TIMEOUT_S,
            allow_redirects=False,
        )
    except Exception as error:  # whatever keeps the event from it, the watch goes on
        log.warning("PagerDuty cannot be reached, %s of %s waits: %s", event.action, event.key, error)
        return Told.LATER
    if answer.status_code == 202:
        return Told.TAKEN
    if answer.status_code == 400:
        log.error("PagerDuty does not take what we sent of %s: %s", event.key, answer.text[:300])
        return Told.REFUSED
    log.warning("PagerDuty answers with HTTP %d, %s of %s waits", answer.status_code, event.action, event.key)
    return Told.LATER


def _facts(event: Event) -> dict[str, Any]:
    name, _, instance = event.key.partition(":")
    runbook = f"{settings.RUNBOOK_URL}#{name}"
    payload = {
        "summary": event.summary[:SUMMARY_MAX],
        "source": settings.WATCH_SOURCE,
        "severity": event.level,
        "timestamp": datetime.fromtimestamp(event.at, tz=UTC).isoformat(),
        "component": instance or name,
        "class": name,
        "custom_details": {
            "what to do": event.details.get("what to do", ""),
            "since": datetime.fromtimestamp(event.details.get("since", event.at), tz=UTC).isoformat(),
            "runbook": runbook,
        },
    }
    facts: dict[str, Any] = {"payload": payload, "client": "manage.py watch"}
    if runbook.startswith("http"):
        facts["links"] = [{"href": runbook, "text": "What to do"}]
    return facts
