"""A circuit breaker per database server and process: one request pays for finding a server unwell, the others don't.

Open, it refuses at once. A thread of its own probes the server, first right away (a connection that was
merely cut costs a few milliseconds), then every BREAKER_PROBE_S, and closes the breaker: no request is the guinea-pig.
"""

import logging
import os
import threading
from collections.abc import Callable

from django.conf import settings

from .errors import ShardUnavailable

log = logging.getLogger(__name__)


class Breaker:
    """Whether one database server may be asked, in this process."""

    def __init__(self, server_name: str, probe: Callable[[], None]) -> None:
        self.server_name = server_name
        self._probe = probe  # raises when the server is unwell
        self._lock = threading.Lock()
        self._open = False
        self._wake = threading.Event()

    @property
    def is_open(self) -> bool:
        """Return True while queries are refused."""
        return self._open

    def check(self) -> None:
        """Raise ShardUnavailable at once if the server is known to be unwell."""
        if self._open:
            raise ShardUnavailable(self.server_name)

    def trip(self, reason: str) -> None:
        """Refuse queries until a probe succeeds."""
        with self._lock:
            if self._open:
                return
            self._open = True
        log.warning("database server %s is unwell: %s", self.server_name, reason.strip())
        threading.Thread(target=self._heal, name=f"probe-{self.server_name}", daemon=True).start()

    def reset(self) -> None:
        """Close: after a fork (the probing thread stayed in the parent) and in tests."""
        self._open = False

    def _heal(self) -> None:
        while self._open:
            try:
                self._probe()
            except Exception:  # whatever is wrong with it, the server is not back
                self._wake.wait(settings.BREAKER_PROBE_S)
            else:
                self._open = False
                log.warning("database server %s is well again", self.server_name)


_breakers: dict[str, Breaker] = {}


def breaker_of(alias: str, server_name: str, probe: Callable[[], None]) -> Breaker:
    """Return the process's one breaker for a database alias."""
    breaker = _breakers.get(alias)
    if breaker is None:
        breaker = _breakers.setdefault(alias, Breaker(server_name, probe))
    return breaker


def _after_fork() -> None:
    for breaker in _breakers.values():
        breaker.reset()


os.register_at_fork(after_in_child=_after_fork)
