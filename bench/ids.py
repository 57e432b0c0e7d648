"""Minting ids: next_id(), which never repeats one, beside the function Instagram published, which does."""

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.framework import Result, Row, interleaved, median_ratio
from bench.scratch import data_centre
from sharding import Shard, ids, schema, shard_numbered

#: As in "Sharding & IDs at Instagram" (2011), with our epoch; shard and sequence are arguments, as in ours.
PUBLISHED = """
CREATE SCHEMA published;
CREATE SEQUENCE published.table_id_seq;
CREATE FUNCTION published.next_id(shard_id int, sequence regclass, OUT result bigint) AS $$
DECLARE
    our_epoch bigint := {epoch_ms};
    seq_id bigint;
    now_millis bigint;
BEGIN
    SELECT nextval(sequence) % 1024 INTO seq_id;
    SELECT FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) INTO now_millis;
    result := (now_millis - our_epoch) << 23;
    result := result | (shard_id << 10);
    result := result | (seq_id);
END;
$$ LANGUAGE plpgsql;
CREATE TABLE published.row (id bigint PRIMARY KEY DEFAULT published.next_id({shard}, 'published.table_id_seq'), v int);
CREATE TABLE {schema}.row (id bigint PRIMARY KEY DEFAULT local.next_id({shard}, '{schema}.clock'), v int);
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare sizes."""
    parser.add_argument("--count", type=int, default=50_000, help="ids in one statement")
    parser.add_argument("--rounds", type=int, default=11)


def run(options: argparse.Namespace) -> Result:
    """Measure on one connection, in inserts, and on several connections at once."""
    with data_centre(shards=64):
        shard = shard_numbered(5)
        with schema.direct(shard.server) as link:
            link.autocommit = True
            with link.cursor() as cursor:
                return _measured(cursor, shard, options)


def _measured(cursor: Any, shard: Shard, options: argparse.Namespace) -> Result:
    cursor.execute(PUBLISHED.format(epoch_ms=ids._epoch_ms(), shard=shard.number, schema=shard.schema))
    calls = {
        "ours": f"local.next_id({shard.number}, '{shard.schema}.clock')",
        "published": f"published.next_id({shard.number}, 'published.table_id_seq')",
        "nextval": "nextval('published.table_id_seq')",
    }
    _assert_same_kind(cursor, shard, calls)

    def alone(call: str) -> float:
        began = time.perf_counter()
        cursor.execute(f"SELECT count({call}) FROM generate_series(1, {options.count})")
        return (time.perf_counter() - began) / options.count * 1e6

    def inserts(table: str) -> float:
        rows = options.count // 10
        began = time.perf_counter()
        cursor.execute(f"INSERT INTO {table} (v) SELECT n FROM generate_series(1, {rows}) AS n")
        return (time.perf_counter() - began) / rows * 1e6

    minting = interleaved({name: lambda call=call: alone(call) for name, call in calls.items()}, options.rounds)
    crowd = interleaved(
        {name: lambda call=calls[name]: _crowd(shard, call, options.count // 10) for name in ("ours", "published")},
        max(3, options.rounds // 3),
    )
    tables = {"ours": f"{shard.schema}.row", "published": "published.row"}
    inserting = interleaved({n: lambda table=t: inserts(table) for n, t in tables.items()}, options.rounds)
    return _told(options, minting, crowd, inserting, _repeats(shard, calls))


def _told(
    options: argparse.Namespace,
    minting: dict[str, list[float]],
    crowd: dict[str, list[float]],
    inserting: dict[str, list[float]],
    repeats: dict[str, int],
) -> Result:
    ratio = median_ratio(minting, "ours", "published")
    median = {name: statistics.median(taken) for name, taken in minting.items()}
    crowd_median = {name: statistics.median(taken) for name, taken in crowd.items()}
    insert_median = {name: statistics.median(taken) for name, taken in inserting.items()}
    return Result(
        rows=[
            Row("one connection, us an id", median["ours"], median["nextval"], median["published"], ratio),
            Row(
                "inserted as column default, us a row",
                insert_median["ours"],
                None,
                insert_median["published"],
                median_ratio(inserting, "ours", "published"),
            ),
            Row(
                "4 connections on one shard, us an id",
                crowd_median["ours"],
                None,
                crowd_median["published"],
                median_ratio(crowd, "ours", "published"),
            ),
            Row("ids made twice, of 400,000 by 4 connections", repeats["ours"], None, repeats["published"]),
        ],
        ratios={"x_published_function": ratio},
        bars={"x_published_function": 1.5},
        how=[
            f"{options.count:,} ids a statement (SELECT count(f()) FROM generate_series), direct connections.",
            f"{options.rounds} rounds, interleaved; medians, the ratio is the median of the rounds' ratios.",
            "Floor: a bare nextval(). Alternative: the published function (nextval % 1024 beside clock_timestamp()).",
            "Asserted first: both give ids of the shard and of the time, ours go up and none comes twice.",
            "4 connections on one clock hand a lock about, at the price of a process switch for each id.",
        ],
        figures={"us_alone": minting, "us_insert": inserting, "us_crowd": crowd, "repeated_of_400000": repeats},
    )


def _assert_same_kind(cursor: Any, shard: Shard, calls: dict[str, str]) -> None:
    for name in ("ours", "published"):
        before = int(time.time() * 1000) - ids._epoch_ms()
        cursor.execute(f"SELECT {calls[name]} FROM generate_series(1, 2000)")
        made = [object_id for (object_id,) in cursor.fetchall()]
        after = int(time.time() * 1000) - ids._epoch_ms() + 1
        assert all(ids.logical_shard_of(object_id) == shard.number for object_id in made), name
        assert all(before - 1 <= ids.parts(object_id).milliseconds <= after for object_id in made), name
        assert name == "published" or made == sorted(set(made))


def _crowd(shard: Shard, call: str, each: int) -> float:
    """Return the microseconds an id takes while four connections draw from one clock."""

    def draw(_: int) -> None:
        with schema.direct(shard.server) as link, link.cursor() as cursor:
            cursor.execute(f"SELECT count({call}) FROM generate_series(1, {each})")

    began = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(draw, range(4)))
    return (time.perf_counter() - began) / (4 * each) * 1e6


def _repeats(shard: Shard, calls: dict[str, str]) -> dict[str, int]:
    def draw(call: str) -> list[int]:
        with schema.direct(shard.server) as link, link.cursor() as cursor:
            cursor.execute(f"SELECT {call} FROM generate_series(1, 100000)")
            return [object_id for (object_id,) in cursor.fetchall()]

    found = {}
    for name in ("ours", "published"):
        with ThreadPoolExecutor(4) as pool:
            made = [object_id for own in pool.map(draw, [calls[name]] * 4) for object_id in own]
        found[name] = len(made) - len(set(made))
    assert found["ours"] == 0
    return found
