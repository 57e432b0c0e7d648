"""Where a figure comes from: a gauge as it stands, or what counters did between two readings.

Each source has `value(now, before, where)`: a number, or None where nothing can be said, such as a share of nothing.
A counter that is lower than before began anew; a series that was not there before began at nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from .readings import Labels, Reading

#: Fewer events than that between two readings say nothing of a share or a percentile.
FEWEST = 5


@dataclass(frozen=True)
class Level:
    """A gauge as it stands now. fold: what becomes of several: "sum", "max" or "min"."""

    metric: str
    fold: str = "max"
    where: Labels = field(default_factory=dict)

    def metrics(self) -> list[str]:
        """Return the names it reads."""
        return [self.metric]

    def value(self, now: Reading, _before: Reading | None, where: Labels) -> float | None:
        """Return the gauge."""
        wanted = self.where | where
        values = [value for labels, value in now.metrics.get(self.metric, []) if wanted.items() <= labels.items()]
        if not values:
            return None
        if self.fold == "sum":
            return sum(values)
        return max(values) if self.fold == "max" else min(values)


@dataclass(frozen=True)
class Part:
    """One gauge as a percentage of another."""

    metric: str
    of: str

    def metrics(self) -> list[str]:
        """Return the names it reads."""
        return [self.metric, self.of]

    def value(self, now: Reading, _before: Reading | None, where: Labels) -> float | None:
        """Return the percentage."""
        whole = now.total(self.of, where)
        return 100.0 * now.total(self.metric, where) / whole if whole else None


@dataclass(frozen=True)
class Rate:
    """How fast a counter grows, per second."""

    metric: str
    where: Labels = field(default_factory=dict)

    def metrics(self) -> list[str]:
        """Return the names it reads."""
        return [self.metric]

    def value(self, now: Reading, before: Reading | None, where: Labels) -> float | None:
        """Return the growth."""
        if before is None or now.at <= before.at:
            return None
        return grown(now, before, self.metric, self.where | where) / (now.at - before.at)


@dataclass(frozen=True)
class Share:
    """What percentage of events was of one sort. part and whole: counters with the labels that count."""

    part: list[tuple[str, Labels]]
    whole: list[tuple[str, Labels]]

    def metrics(self) -> list[str]:
        """Return the names it reads."""
        return [name for name, _ in self.whole]

    def value(self, now: Reading, before: Reading | None, where: Labels) -> float | None:
        """Return the percentage."""
        if before is None:
            return None
        whole = sum(grown(now, before, name, labels | where) for name, labels in self.whole)
        if whole < FEWEST:
            return None
        return 100.0 * sum(grown(now, before, name, labels | where) for name, labels in self.part) / whole


@dataclass(frozen=True)
class Percentile:
    """The duration that `percent` of all stay below, as good as the histogram's classes tell."""

    histogram: str
    percent: float = 95.0

    def metrics(self) -> list[str]:
        """Return the names it reads."""
        return [f"{self.histogram}_bucket"]

    def value(self, now: Reading, before: Reading | None, where: Labels) -> float | None:
        """Return the seconds, in a straight line between the bounds of the class; beyond the last bound, that."""
        if before is None:
            return None
        classes = list(self._classes(now, before, where))
        total = classes[-1][1] if classes else 0.0
        if total < FEWEST:
            return None
        wanted, low, below = total * self.percent / 100, 0.0, 0.0
        for bound, upto in classes:
            if upto >= wanted:
                return low if bound == float("inf") else low + (bound - low) * (wanted - below) / (upto - below)
            low, below = bound, upto
        return low

    def _classes(self, now: Reading, before: Reading, where: Labels) -> Iterator[tuple[float, float]]:
        """Return each bound with how many were observed up to it since then."""
        name = f"{self.histogram}_bucket"
        bounds = {labels["le"] for labels, _ in now.metrics.get(name, [])}
        for bound in sorted(bounds, key=float):
            yield float(bound), grown(now, before, name, where | {"le": bound})


def grown(now: Reading, before: Reading, metric: str, where: Labels) -> float:
    """Return how much a counter grew."""
    new, old = now.total(metric, where), before.total(metric, where)
    return new - old if new >= old else new


Source = Level | Part | Rate | Share | Percentile
