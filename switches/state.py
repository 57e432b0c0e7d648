"""What is on, as this process knows it: a copy that a thread of its own reads anew every second.

From memcached (an entry of a second: of many processes one asks main), else main; when neither answers, from
Redis, where the last known state stays; when that is away too, what was known goes on. A process that never knew
anything takes everything to be on duty: no switch is on. Asking waits for nothing, but the first time in a process for
the first look, FIRST_LOOK_S at most.
"""

import contextlib
import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from caching import get_or_load_many
from sharding import Server, redis_servers
from sharding.deadlines import deadline

from .catalogue import EVERYBODY
from .models import Change

log = logging.getLogger(__name__)

#: Seconds between two looks, and that an entry of memcached lives: a switch acts within their sum.
LOOK_S, ENTRY_S = 1.0, 1
#: Seconds that main may take, and that the first who asks in a process waits.
MAIN_S, FIRST_LOOK_S = 0.5, 1.0
KIND, ALL = "switches:1", "all"


@dataclass(frozen=True, slots=True)
class Switched:
    """A switch that is on. at, until: seconds since 1970."""

    name: str
    target: str
    reason: str
    by: str
    at: float
    until: float | None

    def is_over(self) -> bool:
        """Return whether its time has come."""
        return self.until is not None and time.time() >= self.until

    def seconds_left(self, default: int) -> int:
        """Return the seconds until it is off, at least 1; `default` if nobody knows."""
        return default if self.until is None else max(1, int(self.until - time.time()))


class _Copy:
    """The process's knowledge, and the thread that renews it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.first_look = threading.Event()
        self.thread: threading.Thread | None = None
        self.on: dict[tuple[str, str], Switched] = {}
        self.version = 0
        self.kept_version = -1

    def known(self) -> dict[tuple[str, str], Switched]:
        thread = self.thread
        if thread is None or not thread.is_alive():
            self._start()
        if not self.first_look.is_set():
            self.first_look.wait(FIRST_LOOK_S)
            self.first_look.set()  # whoever comes next waits no more
        return self.on

    def take(self, snapshot: dict[str, Any]) -> None:
        self.on = {(each.name, each.target): each for each in (Switched(*row) for row in snapshot["on"])}
        self.version = snapshot["version"]

    def _start(self) -> None:
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self._look_forever, name="switches", daemon=True)
                self.thread.start()

    def _look_forever(self) -> None:
        while True:
            look()
            self.first_look.set()
            with contextlib.suppress(Exception):  # a connection that cannot even be closed: the thread must live
                close_old_connections()
            time.sleep(LOOK_S)


_copy = _Copy()


def active(name: str, target: str = EVERYBODY) -> Switched | None:
    """Return the switch if it is on for that target, or None."""
    found = _copy.known().get((name, target))
    return found if found is not None and not found.is_over() else None


def all_active() -> list[Switched]:
    """Return what is on, latest first."""
    return sorted((each for each in _copy.known().values() if not each.is_over()), key=lambda each: -each.at)


def read_only_of(server: Server, number: int | None = None) -> Switched | None:
    """Return what makes a server, or one of its logical shards, read-only: the switch of all, its own, its shard's."""
    if not _copy.known():
        return None
    wanted = [EVERYBODY, server.name] if number is None else [EVERYBODY, server.name, str(number)]
    return next((found for each in wanted if (found := active("read_only", each))), None)


def look() -> None:
    """Renew the copy from the first that answers; never raises."""
    try:
        with deadline(MAIN_S):
            snapshot = get_or_load_many(KIND, [ALL], lambda _: {ALL: read_main()}, ttl_s=ENTRY_S)[ALL]
    except Exception as error:  # whatever is wrong with main, requests go on with what was known
        log.info("switches are not read from main: %s", error)
        snapshot = _last_known()
        if snapshot is not None and snapshot["version"] > _copy.version:
            _copy.take(snapshot)
        return
    if snapshot["version"] != _copy.version or snapshot["version"] != _copy.kept_version:
        _keep(snapshot)
    _copy.take(snapshot)


def read_main() -> dict[str, Any]:
    """Return {"version", "on": [[name, target, reason, by, at, until], ...]}. Cost: one query on main."""
    latest = Change.objects.order_by("name", "target", "-id").distinct("name", "target")
    rows, now = list(latest), timezone.now()
    on = [
        [row.name, row.target, row.reason, row.by, row.at.timestamp(), row.until and row.until.timestamp()]
        for row in rows
        if row.on and (row.until is None or row.until > now)
    ]
    return {"version": max((row.pk for row in rows), default=0), "on": on}


def _redis_key() -> str:
    # The prefix last: the photo map's keys begin with theirs.
    return f"switches:{settings.CACHE_PREFIX}"


def _keep(snapshot: dict[str, Any]) -> None:
    command = ("SET", _redis_key(), orjson.dumps(snapshot))
    if redis_servers.ask({address: [command] for address in settings.PHOTO_MAP_SERVERS}):
        _copy.kept_version = snapshot["version"]


def _last_known() -> dict[str, Any] | None:
    answers = redis_servers.ask({address: [("GET", _redis_key())] for address in settings.PHOTO_MAP_SERVERS})
    found = []
    for (text,) in answers.values():
        with contextlib.suppress(ValueError, TypeError, KeyError):
            snapshot = orjson.loads(text)
            found.append((snapshot["version"], snapshot))
    return max(found, key=lambda each: each[0])[1] if found else None


def _after_fork() -> None:
    global _copy  # noqa: PLW0603  # the process's one copy; the thread stayed in the parent
    _copy = _Copy()


os.register_at_fork(after_in_child=_after_fork)
