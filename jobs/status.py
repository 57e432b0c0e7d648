"""How the jobs are doing: what the outboxes hold beside what gearmand holds, per task."""

from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings

from sharding import ShardUnavailable, all_servers

from . import gearman, outbox
from .tasks import registry


@dataclass
class TaskStatus:
    """One task. waiting, running and workers are gearmand's, the rest is the outboxes'."""

    task: str
    queue: str
    waiting: int = 0
    running: int = 0
    workers: int = 0
    #: Jobs not done; overdue: of them those whose lease ran out, the relay's next.
    rows: int = 0
    overdue: int = 0
    #: Seconds since the oldest was enqueued.
    oldest_s: float = 0.0
    failing: int = 0
    postponed: int = 0
    dead: int = 0


@dataclass
class Status:
    """All tasks by name, and who could not be asked."""

    tasks: list[TaskStatus]
    away: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


def status() -> Status:
    """Ask every outbox and every gearmand. Cost: one query per server over all rows, for operators and metrics."""
    found = {task.name: TaskStatus(task.name, task.queue) for task in registry.values()}
    away = []

    def of(name: str) -> TaskStatus:
        return found.setdefault(name, TaskStatus(name, "?"))

    for server in all_servers():
        try:
            rows = outbox.counts(server)
        except ShardUnavailable:
            away.append(server.name)
            continue
        for row in rows:
            task = of(row["task"])
            for column in ("rows", "overdue", "failing", "postponed", "dead"):
                setattr(task, column, getattr(task, column) + row[column])
            task.oldest_s = max(task.oldest_s, row["oldest_s"] or 0.0)
    for address in settings.GEARMAND_SERVERS:
        try:
            lengths = gearman.queue_lengths(address)
        except OSError:
            away.append(f"gearmand {address}")
            continue
        for name, (waiting, running, workers) in lengths.items():
            # gearmand remembers every name it ever met.
            if name in found or waiting or running or workers:
                task = of(name)
                task.waiting += waiting
                task.running += running
                task.workers += workers
    return Status(sorted(found.values(), key=lambda task: (task.queue, task.task)), away)
