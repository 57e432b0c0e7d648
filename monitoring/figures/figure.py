"""What a figure is, and a graph of some."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from .readings import Reading
from .sources import Source


@dataclass(frozen=True)
class Figure:
    """One thing that is watched.

    by: the label that makes one of it for each server (or queue, ...). warning, critical: bad from there on, upwards,
    or downwards with low. for_s: so long before anybody is told, and so long well before it is over.
    """

    name: str
    title: str
    unit: str
    source: Source
    by: str = ""
    warning: float | None = None
    critical: float | None = None
    low: bool = False
    for_s: int = 60
    #: What to do when it alerts: a sentence or two of the runbook.
    act: str = ""

    def values(self, now: Reading, before: Reading | None) -> Iterator[tuple[str, float | None]]:
        """Return its values: ("", value), or one for each value of the label `by`."""
        if not self.by:
            yield "", self.source.value(now, before, {})
            return
        for each in now.labelled(self.source.metrics(), self.by):
            if each != "?":  # the queue of a task that no code has any more
                yield each, self.source.value(now, before, {self.by: each})

    def level(self, value: float) -> str:
        """Return how bad a value is: "ok", "warning" or "critical"."""
        for level, bound in (("critical", self.critical), ("warning", self.warning)):
            if bound is not None and (value <= bound if self.low else value >= bound):
                return level
        return "ok"

    def sentence(self, instance: str, value: float, level: str) -> str:
        """Return an alert's sentence: "95 % of requests, by door (api): 3.1 s, critical from 2.5 s"."""
        if not self.unit:  # it is, or is not
            return f"{instance} {self.title}" if level != "ok" else f"{instance} is well again"
        unit = f" {self.unit}"
        named = f"{self.title} ({instance})" if instance else self.title
        bound = self.critical if level == "critical" else self.warning if self.warning is not None else self.critical
        word = level if level != "ok" else "well again, bad"
        return f"{named}: {value:.4g}{unit}, {word} from {bound:.4g}{unit}{' down' if self.low else ''}"


@dataclass(frozen=True)
class Graph:
    """Figures that are drawn together, in one unit."""

    name: str
    title: str
    axis: str
    figures: list[Figure] = field(default_factory=list)
    category: str = "instagram"
