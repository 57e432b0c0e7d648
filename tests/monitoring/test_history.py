"""What the watch keeps of figures for the dashboards' lines: bounded, without gaps, and nothing without Redis."""

import uuid
from dataclasses import replace

import pytest

from monitoring import history
from monitoring.figures.readings import Reading
from sharding import redis_servers

AT = 2_000_000_000.0


@pytest.fixture(autouse=True)
def own_history(settings):
    settings.METRICS_PREFIX = f"t-{uuid.uuid4().hex}:"


def reading(at, photos=0, size=1_000):
    sizes = [({"server": name}, float(size)) for name in ("shard_a", "shard_b")]
    return Reading(at, {"photos_total": [({}, float(photos))], "postgres_size_bytes": sizes})


def test_a_rate_is_over_the_whole_time_between_two_points():
    recorder = history.Recorder()
    for second in range(0, 241, 15):
        recorder.look(reading(AT + second, photos=second * 2))

    found = history.read(history.DAY, ["photos", "size"], until=AT + 240)
    assert found["photos"] == {"": [(AT + 120, 2.0), (AT + 240, 2.0)]}
    assert set(found["size"]) == {"shard_a", "shard_b"}
    assert found["size"]["shard_a"] == [(AT + second, 1_000.0) for second in (0, 120, 240)]


def test_a_watch_that_starts_again_goes_on_where_the_last_one_was():
    history.Recorder().look(reading(AT))
    again = history.Recorder()
    again.look(reading(AT + 30))
    again.look(reading(AT + 130))

    points = history.read(history.DAY, ["size"], until=AT + 130)["size"]["shard_a"]
    assert [at for at, _ in points] == [AT, AT + 130]
    assert len(history.read(history.SEASON, ["size"], until=AT + 130)["size"]["shard_a"]) == 1


def test_no_more_is_kept_than_the_span_holds(monkeypatch):
    short = replace(history.DAY, most=3)
    monkeypatch.setattr(history, "SPANS", (short,))
    recorder = history.Recorder()
    for second in range(0, 1_200, 120):
        recorder.look(reading(AT + second))

    points = history.read(replace(short, most=100), ["size"], until=AT + 1_200)["size"]["shard_b"]
    assert [at - AT for at, _ in points] == [840, 960, 1_080]
    assert history.read(history.DAY, ["size"], until=AT + 3 * 86_400)["size"] == {}


def test_without_redis_nothing_is_kept_and_nothing_breaks(monkeypatch):
    monkeypatch.setattr(redis_servers, "ask", lambda commands: {})
    history.Recorder().look(reading(AT))

    assert history.read(history.DAY, ["photos"], until=AT) == {"photos": {}}


def test_every_kept_figure_is_in_the_table():
    for span in history.SPANS:
        assert set(span.figures) <= set(history.FIGURES)
