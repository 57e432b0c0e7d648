"""Synchronous replication without a hostage: commits wait for the replica while it follows, and not when it is away.

PostgreSQL itself would let every commit wait for a dead replica, until statement_timeout ends the wait with an
acknowledgement all the same. The guard asks each primary twice a second who follows it and sets
synchronous_standby_names by that. It may die at any moment: what is set stays.
"""

import contextlib
import logging
import threading
import time
from pathlib import Path

from django.conf import settings

from instagram import topology
from recovery.failover import postgres
from recovery.failover.sites import FailoverError, Machine, Site

log = logging.getLogger(__name__)

#: Seconds between two looks at a primary.
LOOK_S = 0.5


class Guard:
    """Looks after one server until told to stop."""

    def __init__(self, site: Site, server: str) -> None:
        self.site, self.server = site, server
        self._away_since: float | None = None

    def run(self, stop: threading.Event) -> None:
        """Look twice a second."""
        while not stop.wait(LOOK_S):
            try:
                self.look()
            except FailoverError as error:
                log.info("%s: %s", self.server, error)
            except Exception:
                log.exception("the guard of %s goes on", self.server)
            _tell_alive()

    def look(self) -> None:
        """Set what fits what is. A primary that does not answer is left alone, and so is one that is being changed."""
        primary, replica = topology.primary(self.server), topology.replica(self.server)
        if replica is None or self.site.facts(self.server).get("moving"):
            self._away_since = None
            return
        machine = self.site.machine(primary)
        now = postgres.status(machine)
        if not now.up or now.standby:
            return
        follows = any(each.partition("/")[0] == replica.slot for each in now.followers)
        self._away_since = None if follows else self._away_since or time.monotonic()
        if now.waits_for:
            if not self.site.wants_synchrony(self.server):
                self._set(machine, "", "as told")
            elif self._away_since and time.monotonic() - self._away_since >= settings.REPLICATION_GIVE_UP_S:
                self._set(machine, "", f"{replica.name} is away: writes acknowledged from now on are on one disk")
        elif follows and self.site.wants_synchrony(self.server):
            self._set(machine, replica.slot, f"{replica.name} follows")

    def _set(self, machine: Machine, slot: str, why: str) -> None:
        postgres.wait_for(machine, slot)
        log.warning("%s: replication is %s now: %s", self.server, "synchronous" if slot else "asynchronous", why)


def seen_file() -> Path:
    """Return the file that is touched after each look: whoever asks whether the guard is well looks at it."""
    return Path(settings.STATE_DIR) / "data" / "replica_guard" / "seen"


def _tell_alive() -> None:
    with contextlib.suppress(OSError):
        seen_file().parent.mkdir(parents=True, exist_ok=True)
        seen_file().touch()


def guard(site: Site, servers: list[str], stop: threading.Event) -> None:
    """Look after servers until told to stop, each by a thread of its own: a frozen one delays no other."""
    guards = [Guard(site, server) for server in servers]
    threads = [threading.Thread(target=one.run, args=(stop,), name=f"guard-{one.server}") for one in guards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
