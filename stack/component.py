"""One process of the local data centre: how it starts, is probed and stops."""

import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from stack import probes


def _nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Component:
    """One process of the data centre.

    after: components that must have answered once before it starts. before: makes what it needs (data directory).
    ready: makes what it must hold before others use it (roles, buckets), once it answers; what is there stays.
    app: runs our code or fronts it; starts after the databases are migrated. ours: runs our code.
    """

    name: str
    argv: list[str]
    ports: list[int]
    probe: probes.Probe
    after: tuple[str, ...] = ()
    before: Callable[[], None] = _nothing
    ready: Callable[[], None] = _nothing
    app: bool = False
    ours: bool = False
    env: dict[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
