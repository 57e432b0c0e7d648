"""Tasks: functions that workers run, known by name. Rooms enqueue each other's tasks by name and never import them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from instagram.errors import Unavailable

#: By speed, so that what is slow never delays what is quick; feed_large: long work in batches that nobody waits for,
#: such as a photo with very many followers, or erasing.
QUEUES = ("fast", "feed", "feed_large", "network")


class UnknownTask(LookupError):
    """No room of this code has a task of that name."""


class NotNow(Unavailable):
    """Raised by a task when something it needs is away: it waits, and that does not count as a failure."""


class Again:
    """Returned by a task that did one batch: run it again with these arguments changed.

    They replace the job's stored ones before the next batch starts: the stored cursor. A kill costs one batch.
    delay_s: seconds before the next batch.
    """

    def __init__(self, *, delay_s: float = 0.0, **changes: Any) -> None:
        self.delay_s, self.changes = delay_s, changes


class TaskFunction(Protocol):
    """Keyword arguments in (JSON), nothing out, or Again. May run twice, and late."""

    def __call__(self, **arguments: Any) -> Again | None:
        """Do it."""


@dataclass(frozen=True)
class Task:
    """A registered task: its queue, and the seconds a run has before its lease must have been extended."""

    name: str
    queue: str
    lease_s: float
    run: Callable[..., Again | None]
    #: Name of the switch that lets it wait; empty: none does.
    held_by: str = ""
    #: It waits while what its outbox is on is read-only.
    writes: bool = True


@dataclass(frozen=True)
class Periodic:
    """Small repeating work that the relay does itself, every `seconds`."""

    name: str
    seconds: float
    each_server: bool
    run: Callable[..., object]


registry: dict[str, Task] = {}
periodic_registry: dict[str, Periodic] = {}


def task(
    name: str, *, queue: str = "fast", lease_s: float = 30.0, held_by: str = "", writes: bool = True
) -> Callable[[Any], Any]:
    """Register a function as a task. queue: one of QUEUES. held_by, writes: when it waits (docs/switches.md)."""
    if queue not in QUEUES:
        raise ValueError(f"no queue {queue!r}: {', '.join(QUEUES)}")

    def register(function: Any) -> Any:
        registry[name] = Task(name, queue, lease_s, function, held_by, writes)
        return function

    return register


def task_named(name: str) -> Task:
    """Return a task. Raises UnknownTask."""
    try:
        return registry[name]
    except KeyError:
        raise UnknownTask(f"no task {name!r}; a room's tasks.py registers it with @task") from None


def periodic(name: str, *, seconds: float, each_server: bool = False) -> Callable[[Any], Any]:
    """Register a function that the relay calls every `seconds`; it may run in several relays at once.

    each_server: called with each server, main included; a server that is down does not hold the others up.
    """

    def register(function: Any) -> Any:
        periodic_registry[name] = Periodic(name, seconds, each_server, function)
        return function

    return register
