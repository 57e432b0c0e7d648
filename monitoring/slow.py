"""Requests and jobs that take too long: what they were doing, caught in the act, and how their time was spent.

A thread of each process looks a few times a second at what runs. What has run for longer than its limit
(SLOW_REQUEST_S, SLOW_JOB_S) gets its stack sampled, then and at twice the limit; when it ends, one line tells all. The
last KEPT of all processes are in a list on the first Redis server: `manage.py slow_requests`. It may be lost.
"""

import contextlib
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import orjson
from django.conf import settings

from instagram import tracing
from instagram.tracing import Trace
from sharding import redis_servers

from . import costs

log = logging.getLogger("slow")

#: Entries that are kept.
KEPT = 200
#: When a stack is sampled, in limits after the start. With the last one a line tells that it still runs.
SAMPLES = (1, 2, 10)
#: Longest and shortest pause between two looks, seconds.
LOOK_S, LOOK_MIN_S = 0.25, 0.02
#: Frames of our own that a sample keeps, innermost first, and frames of libraries above them.
OWN_FRAMES, LIBRARY_FRAMES = 12, 3
#: Entries on their way to Redis; more than that at once are in the log alone.
WAITING = 100

_waiting: "queue.Queue[bytes]" = queue.Queue(WAITING)
_lock = threading.Lock()
_watching: dict[str, int] = {}


def watch(_trace: Trace) -> None:
    """See to it that this process has its watching thread. Called with everything that begins: cheap."""
    if _watching.get("pid") != os.getpid():
        with _lock:
            if _watching.get("pid") != os.getpid():
                _watching["pid"] = os.getpid()
                threading.Thread(target=_look_forever, name="slow", daemon=True).start()


def tell(trace: Trace) -> None:
    """Tell of something that has ended, if it was slow. Never raises."""
    if trace.seconds < limit_of(trace):
        return
    try:
        _tell(trace)
    except Exception:  # it is done: no fault in telling of it may undo that
        log.exception("something slow cannot be told of")


def _tell(trace: Trace) -> None:
    entry = entry_of(trace)
    log.warning(
        "slow %s %s: %.0f ms (%s); at %s",
        trace.kind,
        trace.name,
        trace.seconds * 1000,
        costs.in_words(trace),
        " < ".join(trace.samples[-1][1]) if trace.samples else "an unknown place: it ended before it was looked at",
        extra={"facts": {"spent": entry["spent"], "stacks": entry["stacks"]}},
    )
    with contextlib.suppress(queue.Full):
        _waiting.put_nowait(orjson.dumps(entry, default=str))


def limit_of(trace: Trace) -> float:
    """Return the seconds from which on it is slow; infinite where nobody wants to know."""
    limit: float = settings.SLOW_REQUEST_S if trace.kind == "request" else settings.SLOW_JOB_S
    return limit or float("inf")


def entry_of(trace: Trace) -> dict[str, Any]:
    """Return everything that is known of something slow."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "kind": trace.kind,
        "name": trace.name,
        "request_id": trace.request_id,
        "user": trace.user_id,
        **trace.facts,
        "ms": round(trace.seconds * 1000),
        "spent": costs.whole(trace),
        "stacks": [{"at_ms": round(at * 1000), "frames": frames} for at, frames in trace.samples],
        "process": os.getpid(),
        "release": settings.RELEASE,
    }


def recent(most: int = KEPT) -> list[dict[str, Any]]:
    """Return the newest entries of all processes, newest first; none while their Redis server is away."""
    server, key = _place()
    answers = redis_servers.ask({server: [("LRANGE", key, 0, most - 1)]})
    return [orjson.loads(each) for each in answers.get(server, [[]])[0]]


def forget() -> None:
    """Begin the list anew."""
    server, key = _place()
    redis_servers.ask({server: [("DEL", key)]})


def stack_of(frame: FrameType | None) -> list[str]:
    """Return "file:line function" for each frame worth seeing, innermost first: ours, and what they wait in."""
    return list(_seen(frame))


def _seen(frame: FrameType | None) -> Iterator[str]:
    root = f"{settings.BASE_DIR}{os.sep}"
    own, library = 0, 0
    while frame is not None and own < OWN_FRAMES:
        name = frame.f_code.co_filename
        is_own = name.startswith(root) and "site-packages" not in name
        if is_own or (not own and library < LIBRARY_FRAMES):
            own, library = own + is_own, library + (not is_own)
            short = name.removeprefix(root) if is_own else name.partition("site-packages" + os.sep)[2] or name
            yield f"{short}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back


def _look_forever() -> None:
    while True:
        time.sleep(_pause())
        try:
            look()
            _hand_over()
        except Exception:  # nobody else would start it again
            log.exception("watching for what is slow")


def look() -> None:
    """Sample what runs for too long now."""
    for trace in list(tracing.running.values()):
        taken = len(trace.samples)
        if taken < len(SAMPLES) and trace.seconds > limit_of(trace) * SAMPLES[taken]:
            trace.samples.append((trace.seconds, stack_of(sys._current_frames().get(trace.thread))))
            if taken + 1 == len(SAMPLES) and id(trace) in tracing.running:
                log.warning(
                    "%s %s still runs after %.0f s; at %s",
                    trace.kind,
                    trace.name,
                    trace.seconds,
                    " < ".join(trace.samples[-1][1]),
                    extra={"facts": {"request_id": trace.request_id, "user": trace.user_id, **trace.facts}},
                )


def _hand_over() -> None:
    entries = []
    while not _waiting.empty():
        entries.append(_waiting.get_nowait())
    if entries:
        server, key = _place()
        redis_servers.ask({server: [("LPUSH", key, *entries), ("LTRIM", key, 0, KEPT - 1)]})


def _place() -> tuple[str, str]:
    """Return the server of the list, and its key: apart from the photo map's, whose keys are binary."""
    return settings.PHOTO_MAP_SERVERS[0], f"slow:{settings.PHOTO_MAP_PREFIX}"


def _pause() -> float:
    limits = [limit for limit in (settings.SLOW_REQUEST_S, settings.SLOW_JOB_S) if limit]
    return max(LOOK_MIN_S, min([LOOK_S, *(limit / 4 for limit in limits)]))
