"""Figures: what is made of two readings, and the table itself."""

import re

import pytest

from monitoring import gauges
from monitoring.figures.counted import COUNTS, DURATIONS
from monitoring.figures.figure import Figure
from monitoring.figures.readings import Reading
from monitoring.figures.sources import Level, Part, Percentile, Rate, Share
from monitoring.figures.table import FIGURES, GRAPHS

PERHAPS = {"map_entry_bytes", "replica_lag_seconds"} | {
    f"canary_{name}" for name in ("stalled", "post_to_feed_seconds", "age_seconds")
}
PERHAPS |= {f"backup_{name}" for name in ("restorable_age_seconds", "age_hours", "proof_age_days", "drill_failed")}


def reading(at: float, **metrics: float | list[tuple[dict[str, str], float]]) -> Reading:
    return Reading(at, {name: it if isinstance(it, list) else [({}, it)] for name, it in metrics.items()})


def test_a_rate_is_growth_by_seconds_and_needs_two_readings() -> None:
    rate = Rate("photos_total")
    before, now = reading(100, photos_total=50), reading(110, photos_total=70)

    assert rate.value(now, before, {}) == 2.0
    assert rate.value(now, None, {}) is None


def test_a_counter_that_began_anew_counts_from_nothing() -> None:
    assert Rate("photos_total").value(reading(110, photos_total=30), reading(100, photos_total=900), {}) == 3.0


def test_a_series_that_was_not_there_before_counts_from_nothing() -> None:
    assert Rate("photos_total").value(reading(110, photos_total=30), reading(100), {}) == 3.0


def test_a_share_of_hardly_anything_is_unknown() -> None:
    share = Share([("requests_total", {"status": "5xx"})], [("requests_total", {})])

    def at(moment: float, well: float, bad: float) -> Reading:
        return reading(moment, requests_total=[({"status": "2xx"}, well), ({"status": "5xx"}, bad)])

    assert share.value(at(20, 95, 5), at(10, 0, 0), {}) == 5.0
    assert share.value(at(20, 0, 1), at(10, 0, 0), {}) is None


def test_a_percentile_lies_within_the_class_that_holds_it() -> None:
    def at(moment: float, *upto: float) -> Reading:
        bounds = ("0.1", "0.5", "1", "+Inf")
        return reading(moment, fan_out_seconds_bucket=[({"le": b}, n) for b, n in zip(bounds, upto, strict=True)])

    p95 = Percentile("fan_out_seconds")
    before = at(10, 1_000, 1_000, 1_000, 1_000)
    assert p95.value(at(20, 1_100, 1_100, 1_100, 1_100), before, {}) == pytest.approx(0.095)
    assert p95.value(at(20, 1_000, 1_100, 1_100, 1_100), before, {}) == pytest.approx(0.48)
    # Past the last bound nobody knows: the bound it is.
    assert p95.value(at(20, 1_000, 1_000, 1_000, 1_100), before, {}) == 1.0
    assert p95.value(before, before, {}) is None


def test_gauges_are_read_as_they_stand_by_label() -> None:
    now = reading(1, pgbouncer_waiting=[({"server": "main"}, 3), ({"server": "shard_a"}, 5)])
    figure = Figure("pool", "waiting", "clients", Level("pgbouncer_waiting", "sum"), by="server")

    assert dict(figure.values(now, None)) == {"main": 3, "shard_a": 5}
    assert Level("pgbouncer_waiting", "sum").value(now, None, {}) == 8
    assert Level("nothing").value(now, None, {}) is None
    assert Part("used", "most").value(reading(1, used=20, most=80), None, {}) == 25.0
    assert Part("used", "most").value(reading(1), None, {}) is None


@pytest.mark.parametrize(
    ("low", "value", "level"),
    [(False, 9, "ok"), (False, 10, "warning"), (False, 20, "critical"), (True, 21, "ok"), (True, 20, "warning"),
     (True, 10, "critical")],
)  # fmt: skip
def test_a_level_begins_at_its_bound(low: bool, value: float, level: str) -> None:
    bounds = (20.0, 10.0) if low else (10.0, 20.0)
    figure = Figure("x", "x", "", Level("x"), warning=bounds[0], critical=bounds[1], low=low)

    assert figure.level(value) == level


def test_an_alert_is_one_sentence() -> None:
    waits, away = FIGURES["pool_waiting"], FIGURES["away"]

    assert waits.sentence("main", 12, "warning") == (
        "waiting in PgBouncer, by server (main): 12 clients, warning from 10 clients"
    )
    assert FIGURES["disk_free"].sentence("", 4.2, "critical") == "free disk: 4.2 %, critical from 5 % down"
    assert away.sentence("pgbouncer", 1, "critical") == "pgbouncer does not answer"
    assert away.sentence("pgbouncer", 0, "ok") == "pgbouncer is well again"


def test_the_table_is_whole() -> None:
    assert len(FIGURES) == sum(len(graph.figures) for graph in GRAPHS), "a name is there twice"
    for figure in FIGURES.values():
        assert re.fullmatch(r"[a-z_]+", figure.name)
        if figure.warning is not None or figure.critical is not None:
            assert figure.act, f"{figure.name} alerts and does not say what to do"
        if figure.warning is not None and figure.critical is not None:
            assert (figure.critical < figure.warning) == figure.low, f"{figure.name}: critical is not worse"


def test_figures_read_only_what_is_counted_or_asked() -> None:
    known = {f"{name}_total" for name in COUNTS} | {f"{name}_bucket" for name in DURATIONS}
    known |= {gauge.name for gauge in gauges.read()}
    for figure in FIGURES.values():
        # Perhaps no photo is in the test's map, no canary flies, no server has a replica or a backup.
        assert set(figure.source.metrics()) <= known | PERHAPS, figure.name
