"""Tasks: functions that workers run, known by name. Rooms enqueue each other's tasks by name and never import them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

QUEUES = ("fast", "feed", "network")


class Again:
    """Returned by a task that did one batch: run it again with these arguments changed.

    They replace the job's stored ones before the next batch starts: the stored cursor. A kill costs one batch.
    """

    def __init__(self, **changes: Any) -> None:
        self.changes = changes


class TaskFunction(Protocol):
    """Keyword arguments in (JSON), nothing out, or Again. May run twice, and late."""

    def __call__(self, **arguments: Any) -> Again | None:
        """Do it."""


@dataclass(frozen=True)
class Task:
    """A registered task: its queue, and the seconds a run may take before somebody else may try."""

    name: str
    queue: str
    lease_s: float
    run: Callable[..., Again | None]


@dataclass(frozen=True)
class Periodic:
    """Small repeating work that the relay does itself, every `seconds`."""

    name: str
    seconds: float
    run: Callable[[], object]


registry: dict[str, Task] = {}
periodic_registry: dict[str, Periodic] = {}


def task(name: str, *, queue: str = "fast", lease_s: float = 30.0) -> Callable[[Any], Any]:
    """Register a function as a task. queue: fast, feed or network, so that a slow service never delays a feed."""
    if queue not in QUEUES:
        raise ValueError(f"no queue {queue!r}: {', '.join(QUEUES)}")

    def register(function: Any) -> Any:
        registry[name] = Task(name, queue, lease_s, function)
        return function

    return register


def periodic(name: str, *, seconds: float) -> Callable[[Any], Any]:
    """Register a function that the relay calls every `seconds`; it may run in several relays at once."""

    def register(function: Any) -> Any:
        periodic_registry[name] = Periodic(name, seconds, function)
        return function

    return register
