"""The relay: submits what is overdue in any outbox, and does the small periodic work of the rooms.

Several relays at once do no harm: rows are taken with SKIP LOCKED and a new lease.
"""

import logging
import signal
import time
from types import FrameType

from django.conf import settings
from django.db import Error, close_old_connections

from sharding import Server, all_servers

from . import gearman, outbox
from .tasks import periodic_registry

log = logging.getLogger(__name__)

#: Jobs submitted in one go.
BATCH = 500


class Relay:
    """Looks at every outbox each JOBS_RELAY_PERIOD_S."""

    def __init__(self) -> None:
        self.stopping = False
        self._last_run: dict[str, float] = {}

    def run(self) -> None:
        """Relay until stopped."""
        while not self.stopping:
            full = self.cycle()
            if not full and not self.stopping:
                time.sleep(settings.JOBS_RELAY_PERIOD_S)

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Finish the look in hand and end."""
        self.stopping = True

    def install_signals(self) -> None:
        """Stop gracefully on SIGTERM and SIGINT."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)

    def cycle(self) -> bool:
        """Look once at every outbox and do what periodic work is due; True if an outbox had a full batch."""
        close_old_connections()
        full = [self._relay(server) for server in all_servers()]
        self._periodic()
        return any(full)

    def _relay(self, server: Server) -> bool:
        try:
            jobs = outbox.take_due(server, most=BATCH)
        except Error as error:
            log.info("the outbox of %s cannot be read: %s", server.name, error)
            return False
        if jobs and not gearman.submit(jobs, timeout_s=2.0):
            log.warning("gearmand takes no jobs; %d of %s wait", len(jobs), server.name)
            return False
        return len(jobs) == BATCH

    def _periodic(self) -> None:
        for work in periodic_registry.values():
            if time.monotonic() - self._last_run.get(work.name, -work.seconds) < work.seconds:
                continue
            self._last_run[work.name] = time.monotonic()
            try:
                work.run()
            except Exception:  # one room's fault must not stop the others' work
                log.exception("periodic work %s failed", work.name)
