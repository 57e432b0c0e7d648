"""The relay: submits what is overdue in any outbox, and does the small periodic work of the rooms.

Each server has threads of its own: one that is down or frozen holds nobody else up. Several relays at once do no
harm: rows are taken with SKIP LOCKED and a new lease.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from django.conf import settings
from django.db import Error, close_old_connections, connections

from instagram import tracing
from sharding import Server, ShardUnavailable, all_servers

from . import gearman, outbox
from .tasks import Periodic, periodic_registry

log = logging.getLogger(__name__)

#: Jobs submitted in one go, and seconds that may take.
BATCH, SUBMIT_TIMEOUT_S = 500, 2.0
#: Seconds between looks at what periodic work is due.
PERIODIC_LOOK_S = 0.25
#: Seconds that threads have to finish what they are at when told to stop.
STOP_S = 10.0


class Relay:
    """Looks at every outbox each JOBS_RELAY_PERIOD_S."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._last_run: dict[tuple[str, Server | None], float] = {}

    def run(self) -> None:
        """Relay until stopped."""
        threads = [self._thread(f"relay-{server.name}", self._relay_forever, server) for server in all_servers()]
        threads += [
            self._thread(f"periodic-{server.name if server else 'all'}", self._work_forever, server)
            for server in [None, *all_servers()]
        ]
        for thread in threads:
            thread.start()
        self._stopping.wait()
        until = time.monotonic() + STOP_S
        for thread in threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Finish the look in hand and end."""
        self._stopping.set()

    def install_signals(self) -> None:
        """Stop gracefully on SIGTERM and SIGINT."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)

    def cycle(self) -> bool:
        """Look once at every outbox and do what periodic work is due; True if an outbox had a full batch."""
        full = [self.relay(server) for server in all_servers()]
        for server in [None, *all_servers()]:
            self.work(server)
        return any(full)

    def relay(self, server: Server) -> bool:
        """Submit what is overdue on one server; True for a full batch: there may be more. Raises Error."""
        if not gearman.some_server_answers():
            return False  # and no lease is spent
        jobs = outbox.take_due(server, most=BATCH)
        left = gearman.submit(jobs, timeout_s=SUBMIT_TIMEOUT_S) if jobs else []
        if left:
            log.warning("gearmand takes no jobs; %d of %s wait", len(left), server.name)
            outbox.give_back(server, left)
            return False
        return len(jobs) == BATCH

    def work(self, server: Server | None) -> None:
        """Do what periodic work is due for a server, or, for None, once for all."""
        for work in list(periodic_registry.values()):
            if work.each_server == (server is not None) and self._is_due(work, server):
                try:
                    with tracing.follow("periodic", work.name, task=work.name):
                        work.run() if server is None else work.run(server)
                except ShardUnavailable as error:
                    log.info("periodic work %s waits for %s", work.name, error.server_name)
                except Exception:  # one room's fault must not stop the others' work
                    log.exception("periodic work %s failed", work.name)

    def _is_due(self, work: Periodic, server: Server | None) -> bool:
        key, now = (work.name, server), time.monotonic()
        if now - self._last_run.get(key, -work.seconds) < work.seconds:
            return False
        self._last_run[key] = now
        return True

    def _relay_forever(self, server: Server) -> None:
        well = True
        while not self._stopping.is_set():
            full = False
            try:
                full = self.relay(server)
                if not well:
                    log.info("the outbox of %s is read again", server.name)
                well = True
            except Error as error:
                if well:
                    log.warning("the outbox of %s cannot be read: %s", server.name, error)
                well = False
            except Exception:  # the thread must live
                log.exception("relaying the outbox of %s", server.name)
            close_old_connections()
            if not full:
                self._stopping.wait(settings.JOBS_RELAY_PERIOD_S)
        connections.close_all()

    def _work_forever(self, server: Server | None) -> None:
        while not self._stopping.wait(PERIODIC_LOOK_S):
            self.work(server)
            close_old_connections()
        connections.close_all()

    @staticmethod
    def _thread(name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
        return threading.Thread(target=target, args=arguments, name=name, daemon=True)
