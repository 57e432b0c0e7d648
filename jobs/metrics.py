"""The figures of `status()` as metrics: named gauges with labels, and the text that Prometheus reads."""

from collections.abc import Iterator
from dataclasses import dataclass

from .status import Status

#: Figure of a task -> what it is.
_HELP = {
    "waiting": "Jobs in the queues of gearmand.",
    "running": "Jobs in the hands of workers, as gearmand says.",
    "workers": "Workers that could take the task's jobs.",
    "rows": "Jobs in the outboxes: not done.",
    "overdue": "Jobs past their lease: the relay's next.",
    "oldest_s": "Seconds since the oldest job was enqueued.",
    "failing": "Jobs with failed attempts.",
    "postponed": "Jobs that wait for something that is away.",
    "dead": "Dead letters.",
}


@dataclass(frozen=True, slots=True)
class Gauge:
    """One metric: its name, what it is, and its values by labels."""

    name: str
    help: str
    values: list[tuple[dict[str, str], float]]


def gauges(status: Status) -> list[Gauge]:
    """Return the figures of every task, and how many servers could not be asked."""
    found = [
        Gauge(
            f"jobs_{figure.replace('_s', '_seconds')}",
            text,
            [({"task": task.task, "queue": task.queue}, float(getattr(task, figure))) for task in status.tasks],
        )
        for figure, text in _HELP.items()
    ]
    away = [({"server": name}, 1.0) for name in status.away]
    return [*found, Gauge("jobs_server_away", "Outboxes and gearmands that did not answer.", away)]


def prometheus(found: list[Gauge]) -> str:
    """Return gauges in the text format 0.0.4 of Prometheus."""
    return "".join(f"{line}\n" for gauge in found for line in _lines(gauge))


def _lines(gauge: Gauge) -> Iterator[str]:
    yield f"# HELP {gauge.name} {gauge.help}"
    yield f"# TYPE {gauge.name} gauge"
    for labels, value in gauge.values:
        pairs = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        yield f"{gauge.name}{{{pairs}}} {value:g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
