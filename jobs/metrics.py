"""The figures of `status()` as metrics: named gauges with labels, and the text that Prometheus reads."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

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
    return exposed(family(gauge) for gauge in found).decode()


def family(gauge: Gauge) -> Metric:
    """Return a gauge as prometheus_client knows it; one whose name ends in "_total" only ever grows: a counter."""
    kind = CounterMetricFamily if gauge.name.endswith("_total") else GaugeMetricFamily
    names = list(dict.fromkeys(name for labels, _ in gauge.values for name in labels))
    made = kind(gauge.name, gauge.help, labels=names)
    for labels, value in gauge.values:
        made.add_metric([labels.get(name, "") for name in names], value)
    return made


def exposed(families: Iterable[Metric]) -> bytes:
    """Return metrics in the text format 0.0.4 of Prometheus."""
    return generate_latest(_Registry(families))


class _Registry:
    """Stands in for prometheus_client's own, which counts in the process: all that is asked of it is collect()."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families
