"""All metrics at this moment, what was counted and the gauges: as prometheus_client knows them, for us as a Reading."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import redis
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from instagram import counting
from jobs.metrics import family

from . import gauges
from .figures.counted import COUNTS, DURATIONS
from .figures.readings import Reading

Value = TypeVar("Value")

#: What is counted under a name that nobody described: other releases count, too.
_UNKNOWN = "Not described in this release."


def families(wanted: Callable[[str], bool] = lambda _: True) -> list[Metric]:
    """Return all counts, and the gauges of the sources whose names are wanted, all unless told otherwise.

    Cost: one round trip to the Redis of the counts, and gauges.read().
    """
    try:
        counted, away = counting.read(), 0.0
    except (redis.RedisError, OSError):
        counted, away = counting.Counted(), 1.0
    found = gauges.read(wanted)
    for gauge in found:
        if gauge.name == "source_away":
            gauge.values.append(({"source": "counts"}, away))
    return [*_counts(counted), *_durations(counted), *(family(gauge) for gauge in found)]


def reading(of: Iterable[Metric]) -> Reading:
    """Return metrics as figures are made of them."""
    now = Reading(time.time())
    for metric in of:
        for sample in metric.samples:
            now.metrics.setdefault(sample.name, []).append((dict(sample.labels), float(sample.value)))
    return now


def _counts(counted: counting.Counted) -> Iterator[Metric]:
    for name, series in _by_name(counted.counts).items():
        made = CounterMetricFamily(name, COUNTS.get(name, _UNKNOWN), labels=_label_names(series))
        for labels, value in series:
            made.add_metric(_values(made, labels), value)
        yield made


def _durations(counted: counting.Counted) -> Iterator[Metric]:
    bounds = [*(f"{bound:g}" for bound in counting.BUCKETS_S), "+Inf"]
    for name, series in _by_name(counted.durations).items():
        made = HistogramMetricFamily(name, DURATIONS.get(name, _UNKNOWN), labels=_label_names(series))
        for labels, durations in series:
            upto, buckets = 0, []
            for bound, number in zip(bounds, durations.buckets, strict=True):
                upto += number
                buckets.append((bound, upto))
            made.add_metric(_values(made, labels), buckets, durations.seconds)
        yield made


def _by_name(series: dict[tuple[str, counting.Labels], Value]) -> dict[str, list[tuple[counting.Labels, Value]]]:
    found: dict[str, list[tuple[counting.Labels, Value]]] = {}
    for (name, labels), value in sorted(series.items(), key=lambda item: item[0]):
        found.setdefault(name, []).append((labels, value))
    return found


def _label_names(series: Iterable[tuple[counting.Labels, object]]) -> list[str]:
    """Return the labels that any of them has, in order."""
    return list(dict.fromkeys(name for labels, _ in series for name, _ in labels))


def _values(of: Metric, labels: counting.Labels) -> list[str]:
    known = dict(labels)
    return [known.get(name, "") for name in of._labelnames]  # type: ignore[attr-defined]  # has no other way
