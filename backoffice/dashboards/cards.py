"""What a dashboard is made of: cards with a picture and a table; and its numbers: a reading now, the last day."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.frame import shown as framed
from monitoring import exposition, history
from monitoring.figures.readings import Reading
from monitoring.figures.table import FIGURES

from . import svg


@dataclass(frozen=True, slots=True)
class Card:
    """A box: a picture, sentences, a table, whichever there are. wide: over the page's whole width."""

    title: str
    chart: SafeString | str = ""
    texts: Sequence[str] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    wide: bool = False
    #: Shown instead of a table without rows.
    empty: str = ""


@dataclass(slots=True)
class Now:
    """How things are at this moment. away: sources that did not answer."""

    reading: Reading
    away: list[str] = field(default_factory=list)

    def gauges(self, metric: str, label: str = "server") -> dict[str, float]:
        """Return a gauge's values by a label, in order."""
        values = {labels.get(label, ""): value for labels, value in self.reading.metrics.get(metric, [])}
        return dict(sorted(values.items()))

    def counts(self, name: str, label: str) -> dict[str, float]:
        """Return a counter's sums by a label, largest first; the rest of its labels added up."""
        found: dict[str, float] = {}
        for labels, value in self.reading.metrics.get(f"{name}_total", []):
            found[labels.get(label, "")] = found.get(labels.get(label, ""), 0.0) + value
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def table(self, name: str, label: str, across: str) -> dict[str, dict[str, float]]:
        """Return a counter's sums by one label, each by another."""
        found: dict[str, dict[str, float]] = {}
        for labels, value in self.reading.metrics.get(f"{name}_total", []):
            found.setdefault(labels[label], {})[labels[across]] = value
        return found


def now(wanted: Callable[[str], bool] = lambda _: False) -> Now:
    """Return all counts, and the gauges of the sources that are wanted. Cost: one round trip, and those sources."""
    reading = exposition.reading(exposition.families(wanted))
    away = [labels["source"] for labels, value in reading.metrics.get("source_away", []) if value]
    return Now(reading, away)


class LastDay:
    """The last 24 hours of some figures. Cost: two round trips to Redis when made."""

    def __init__(self, *figures: str) -> None:
        """Read them."""
        self.ended = time.time()
        self.began = self.ended - history.DAY.seconds
        self.found = history.read(history.DAY, figures, until=self.ended)

    def drawn(self, title: str, *figures: str, names: Mapping[str, str] | None = None) -> SafeString:
        """Draw figures of one unit as lines; those with instances a line each. names: other words for figures."""
        series: dict[str, history.Points] = {}
        for figure in figures:
            word = (names or {}).get(figure, FIGURES[figure].title)
            for instance, points in self.found[figure].items():
                series[(instance if len(figures) == 1 else f"{word} {instance}") if instance else word] = points
        return svg.lines(
            series, title=f"{title}, last 24 hours", began=self.began, ended=self.ended, unit=FIGURES[figures[0]].unit,
            gap_s=3 * history.DAY.every_s,
        )  # fmt: skip


def drawn(
    request: HttpRequest, title: str, cards: Sequence[Card | None], *, away: Sequence[str] = (), note: str = ""
) -> HttpResponse:
    """Render a dashboard."""
    facts = {"title": title, "cards": [card for card in cards if card], "away": ", ".join(away), "note": note}
    return framed(request, "dashboard", facts)


def tag(word: str, colour: str = "") -> SafeString:
    """Return a word on a coloured ground: good, warn, bad."""
    return format_html('<span class="tag {}">{}</span>', colour, word)


def link(address: str, words: object) -> SafeString:
    """Return a link."""
    return format_html('<a href="{}">{}</a>', address, words)


def share(part: float, whole: float) -> float | None:
    """Return a percentage, None of nothing."""
    return 100.0 * part / whole if whole else None
