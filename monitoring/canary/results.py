"""What the canary found last, kept for all hosts in Redis and, in case that is away, in a file of its own host."""

import contextlib
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

from sharding import redis_servers

#: What a photo passes, in this order.
STAGES = ("upload", "job", "feed", "image")


@dataclass
class Flight:
    """One server's photo: seconds of each stage that was passed, and the stage where it stalled, if it did."""

    server: str
    ok: bool = False
    #: One of STAGES; None when well or paused.
    stage: str | None = None
    #: In plain words what was seen there.
    error: str | None = None
    #: An operator's switch made it pointless: neither well nor stalled.
    paused: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    #: From the beginning of the upload until the photo was in the last reader's feed.
    post_to_feed_s: float | None = None


def kept(flights: list[Flight], *, is_loop: bool, ended: bool = False) -> dict[str, Any]:
    """Store a round's result and return it: {"at", "ok", "is_loop", "ended", "flights": [...]}.

    is_loop: another follows within a minute. ended: the loop was told to stop, so nobody need miss it.
    """
    result = {
        "at": time.time(),
        "ok": all(flight.ok or flight.paused for flight in flights),
        "is_loop": is_loop,
        "ended": ended,
        "flights": [asdict(flight) for flight in flights],
    }
    text = orjson.dumps(result)
    command = ("SET", _key(), text, "EX", int(settings.CANARY_FORGET_S))
    redis_servers.ask({address: [command] for address in settings.PHOTO_MAP_SERVERS})
    with contextlib.suppress(OSError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        new = _file().with_suffix(".new")
        new.write_bytes(text)
        new.replace(_file())
    return result


def last_results() -> dict[str, Any] | None:
    """Return the last round as kept() made it, with "age_s"; None if none ran within CANARY_FORGET_S.

    Plain data. Cost: one round trip to Redis; with all of them away, a file.
    """
    answers = redis_servers.ask({address: [("GET", _key())] for address in settings.PHOTO_MAP_SERVERS})
    texts = [text for (text,) in answers.values() if text]
    if not texts:
        with contextlib.suppress(OSError):
            texts.append(_file().read_bytes())
    found = []
    for text in texts:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            result = orjson.loads(text)
            result["age_s"] = round(max(0.0, time.time() - result["at"]), 1)
            found.append(result)
    newest = min(found, key=lambda result: result["age_s"], default=None)
    return newest if newest is not None and newest["age_s"] < settings.CANARY_FORGET_S else None


def alert_text(result: dict[str, Any] | None) -> str | None:
    """Return one sentence about what is wrong with the canary, the stage first; None when nothing is, or nobody flies.

    result: of last_results().
    """
    if result is None or result["ended"]:
        return None
    stalled = [
        f"{flight['stage']} ({flight['server']}): {flight['error']}" for flight in result["flights"] if flight["stage"]
    ]
    if stalled:
        return f"the canary photo stalls at {'; at '.join(stalled)}"
    if result["is_loop"] and result["age_s"] > settings.CANARY_STALE_S:
        return f"the canary has not flown for {result['age_s']:.0f} s"
    return None


def _key() -> str:
    return f"canary:{settings.CACHE_PREFIX}"


def _file() -> Path:
    # Beside what other processes write as their own account: run/ is the supervisor's.
    return Path(settings.STATE_DIR) / "data" / "canary" / f"last{settings.CACHE_PREFIX.replace(':', '.')}.json"
