"""Some figures of the last day, and a few of the last months, so that the admin can draw them. The watch writes them.

Each figure, and each server, queue, … of it, has a list in the Redis of the counts, newest first, cut to its length:
at 720 points of some 20 bytes about 15 kB, all together below 2 MB. It may be lost; then the lines begin anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

from sharding import redis_servers

from .figures.readings import Reading
from .figures.table import FIGURES

#: Lists that are kept at most: of a large installation the first by name.
MOST_SERIES = 300

Points = list[tuple[float, float]]
"""(seconds since 1970, value), oldest first."""


@dataclass(frozen=True, slots=True)
class Span:
    """How far a history reaches: a point every so many seconds, so many of them; of which figures."""

    name: str
    every_s: float
    most: int
    figures: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Return how far it reaches."""
        return self.every_s * self.most


DAY = Span(
    "day", 120.0, 720,
    (
        "requests", "feed_reads", "photos", "likes", "comments", "sign_ups", "errors", "answer_time", "upload_bytes",
        "jobs_waiting", "jobs_late", "jobs_done", "jobs_failed", "dead_letters", "fan_out_first", "fan_out",
        "cache_hits", "map_hits", "evictions", "map_memory", "map_entry", "transactions", "writes", "size", "disk_free",
        "pushes", "pushes_later", "pushes_gone", "shares_failed", "webhooks_failed",
    ),
)  # fmt: skip
#: For the date on which a disk is full: four points a day, four months of them.
SEASON = Span("season", 21_600.0, 480, ("size", "map_memory"))
SPANS = (DAY, SEASON)


class Recorder:
    """Writes readings down as they come; one in a process that looks every few seconds."""

    def __init__(self) -> None:
        """Begin; when it was last written is asked of Redis at the first look."""
        self._before: dict[Span, Reading] = {}
        self._last_at: dict[Span, float] = {}

    def look(self, now: Reading) -> None:
        """Write a point of each figure whose time has come. Never raises for a Redis that is away: points are lost.

        Rates and shares are of the time since the point before, so that nothing falls between two points.
        Cost: nothing, or one round trip.
        """
        for span in SPANS:
            if span not in self._last_at:
                self._last_at[span] = _last_at(span)
                self._before.setdefault(span, now)
            if now.at - self._last_at[span] >= span.every_s:
                _write(span, now, self._before.get(span))
                self._last_at[span], self._before[span] = now.at, now


def read(span: Span, figures: Iterable[str], *, until: float) -> dict[str, dict[str, Points]]:
    """Return the points of figures, by figure and instance ("" where a figure has none), of the span before `until`.

    Cost: two round trips. Without Redis, or before a watch has run, there are none.
    """
    wanted = list(figures)
    found: dict[str, dict[str, Points]] = {name: {} for name in wanted}
    server = settings.METRICS_REDIS
    (names,) = redis_servers.ask({server: [("SMEMBERS", _key(span, "names"))]}).get(server, [[]])
    series = sorted(
        (name, instance)
        for name, _, instance in (each.decode().partition(":") for each in names)
        if name in found
    )  # fmt: skip
    if not series:
        return found
    commands = [("LRANGE", _key(span, f"{name}:{instance}"), 0, span.most - 1) for name, instance in series]
    lists = redis_servers.ask({server: commands}).get(server, [])
    for (name, instance), texts in zip(series, lists, strict=False):
        points = [_point(text) for text in reversed(texts)]
        points = [point for point in points if until - span.seconds <= point[0] <= until]
        if points:
            found[name][instance] = points
    return found


def _write(span: Span, now: Reading, before: Reading | None) -> None:
    earlier = before if before is not now else None
    series = {
        f"{name}:{instance}": value
        for name in span.figures
        for instance, value in FIGURES[name].values(now, earlier)
        if value is not None
    }
    kept = sorted(series)[:MOST_SERIES]
    lasts = int(2 * span.seconds)
    commands: list[tuple[str | int | float | bytes, ...]] = [("SET", _key(span, "at"), now.at, "EX", lasts)]
    for name in kept:
        key = _key(span, name)
        commands += [
            ("LPUSH", key, f"{int(now.at)} {series[name]:.6g}"),
            ("LTRIM", key, 0, span.most - 1),
            ("EXPIRE", key, lasts),
        ]
    if kept:
        commands += [("SADD", _key(span, "names"), *kept), ("EXPIRE", _key(span, "names"), lasts)]
    redis_servers.ask({settings.METRICS_REDIS: commands})


def _last_at(span: Span) -> float:
    answers = redis_servers.ask({settings.METRICS_REDIS: [("GET", _key(span, "at"))]})
    text = next(iter(answers.values()), [None])[0]
    return float(text) if text else 0.0


def _point(text: bytes) -> tuple[float, float]:
    at, _, value = text.decode().partition(" ")
    return float(at), float(value)


def _key(span: Span, name: str) -> str:
    return f"history:{settings.METRICS_PREFIX}{span.name}:{name}"
