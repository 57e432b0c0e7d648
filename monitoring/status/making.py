"""The whole page as plain data, made at most every LOOK_S in a process, whoever and however many ask.

Of many processes one makes it and the others find it in memcached. What does not answer is asked a second time before
it is called away: this page is looked at from outside, where a hiccup of a second is no outage. Nothing here needs
main.
"""

import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings

from caching import get_or_load_many
from monitoring import checks
from monitoring.canary import alert_text, last_results
from switches.catalogue import EVERYBODY, SWITCHES
from switches.state import Switched, all_active

from . import parts, people

#: Seconds for which a process shows what it has; an entry in memcached lives as long.
LOOK_S = 2
KIND, ALL = "status:1", "all"
#: Fixed words, for watchers that look for one.
WORDS = {"ok": "All is well", "partly": "Partly away", "down": "Down"}


class _Last:
    """What this process knows. While one thread makes it anew, the others show what is there."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.at = -float("inf")
        self.board: dict[str, Any] = {}


_last = _Last()


def board() -> dict[str, Any]:
    """Return what works for whom, the switches that are on, the canary, and what else is worth showing.

    {"status": ok | partly | down, "word", "at", "parts": [...], "people_affected": {"share", "people"}, "switches",
    "canary", …}. Cost: none within LOOK_S; else one look-up; for one process of all, the checks.
    """
    if time.monotonic() - _last.at < LOOK_S:
        return _last.board
    if not _last.lock.acquire(blocking=not _last.board):
        return _last.board
    try:
        if time.monotonic() - _last.at >= LOOK_S:
            _last.board = get_or_load_many(KIND, [ALL], lambda _: {ALL: made()}, ttl_s=LOOK_S)[ALL]
            _last.at = time.monotonic()
        return _last.board
    finally:
        _last.lock.release()


def made() -> dict[str, Any]:
    """Ask everything now. Cost: the checks of /health/deep; those that fail twice."""
    # A process's own files and threads are no news for people; the canary is told below.
    wanted = [check for check in checks.all_checks() if check.kind not in ("process", "canary", "disk")]
    wanted.append(checks.Check("cdn edge", "edge", _edge))
    results = {result.name: result for result in checks.run_all(wanted)}
    doubtful = [check for check in wanted if not results[check.name].ok]
    results |= {result.name: result for result in checks.run_all(doubtful)}
    facts = parts.found(results.values(), all_active())
    all_parts = parts.parts(facts)
    by_name = {part.name: part for part in all_parts}
    if by_name["feeds"].state == parts.DOWN:
        status = "down"
    else:
        status = "ok" if all(part.state == parts.WORKS for part in all_parts) else "partly"
    worst = max((part.lacking for part in all_parts), key=lambda lacking: lacking.share)
    return {
        "status": status,
        "word": WORDS[status],
        "at": _moment(time.time()),
        "people_affected": asdict(worst),
        "parts": [asdict(part) for part in all_parts],
        "switches": [_shown(each) for each in all_active()],
        "canary": _canary(),
    } | parts.worth_showing(results.values())


def _shown(switched: Switched) -> dict[str, Any]:
    """Return a switch as people may see it: no names of servers or of who turned it."""
    numbers = set()
    if switched.target != EVERYBODY:
        numbers = {int(switched.target)} if switched.target.isdigit() else people.shards_of({switched.target})
    return {
        "name": switched.name,
        "said": SWITCHES[switched.name].said if switched.name in SWITCHES else switched.name,
        "reason": switched.reason,
        "since": _moment(switched.at),
        "until": None if switched.until is None else _moment(switched.until),
        "share": 1.0 if switched.target == EVERYBODY else people.affected(numbers).share,
    }


def _canary() -> dict[str, Any] | None:
    """Return the last test photo's seconds, None if none flies; names of servers stay inside."""
    result = last_results()
    if result is None or result["ended"]:
        return None
    seconds = [flight["post_to_feed_s"] for flight in result["flights"] if flight["post_to_feed_s"] is not None]
    stalled = sorted({flight["stage"] for flight in result["flights"] if flight["stage"]})
    return {
        "ok": alert_text(result) is None,
        "age_s": result["age_s"],
        "post_to_feed_s": max(seconds, default=None),
        "stalls_at": stalled,
        "paused": any(flight["paused"] for flight in result["flights"]),
    }


def _edge() -> dict[str, Any]:
    """See that the edge answers at all; what it answers to an address of nothing is its own affair."""
    place = urlsplit(settings.CDN_BASE_URL)
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(
                f"{place.scheme}://{place.netloc}/nginx-is-alive", timeout=settings.HEALTH_TIMEOUT_S, stream=True
            )
        except requests.Timeout:
            raise TimeoutError from None
        except requests.RequestException:
            raise ConnectionRefusedError from None
        with answer:
            if answer.status_code >= 500:
                raise checks.Unwell(f"answered with HTTP {answer.status_code}")
    return {}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
