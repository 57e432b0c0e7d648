"""A post to the inboxes of 100, 10,000 and 100,000 followers, beside one INSERT of the same rows into a flat table.

Ours is the whole way: the commit of the photo, gearmand, one worker process, every batch of every chain, until the last
inbox row can be read. The floor is one statement on one server that knows neither shards nor jobs.
"""

import argparse
import statistics
import time
from typing import Any

from django.conf import settings
from psycopg2 import sql

from bench.framework import Grid, Result, Row, interleaved, median_ratio, seconds
from bench.posting import deliver, load_followers, worker
from bench.scratch import data_centre
from sharding import all_servers, shard_of, shards_on

#: One author for each size; on the first shard server.
AUTHORS = {100: 1, 10_000: 2, 100_000: 3}
#: The ids of followers begin here, and are consecutive: even over the logical shards.
FIRST_FOLLOWER = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sizes."""
    parser.add_argument("--shards", type=int, nargs="+", default=[64, 1024], help="numbers of logical shards")
    parser.add_argument("--rounds", type=int, default=7)


def run(options: Any) -> Result:
    """Measure at each number of logical shards."""
    rows, ratios, figures = [], {}, {}
    for shards in options.shards:
        options.console.print(f"{shards} logical shards: making them, loading followers …", highlight=False)
        with data_centre(shards=shards) as environment:
            _load_followers()
            with worker(environment, "feed", "feed_large"):
                taken, cold_s = _measure(options.rounds)
        suffix = "" if shards == max(options.shards) else f"_{shards}_shards"
        for followers in AUTHORS:
            ours, flat = taken[f"ours {followers}"], taken[f"flat {followers}"]
            ratio = median_ratio(taken, f"ours {followers}", f"flat {followers}")
            rows.append(
                Row(
                    f"{followers:,} followers over {shards:,} logical shards, ms",
                    ours=statistics.median(ours) * 1000,
                    floor=statistics.median(flat) * 1000,
                    ratio=ratio,
                )
            )
            ratios[f"x_flat_insert_{followers}{suffix}"] = ratio
        figures[f"{shards} logical shards"] = {"seconds": taken, "first delivery of the worker, s": cold_s}
    cold = [[name, figure["first delivery of the worker, s"]] for name, figure in figures.items()]
    return Result(
        rows=rows,
        grids=[Grid("100,000 followers, the worker's first delivery (cold catalogue caches), s", ["", "s"], cold)],
        ratios=ratios,
        bars={"x_flat_insert_100000": 3.0} if 1024 in options.shards else {},
        how=[
            "Ours: from the commit of the photo and its job until the last inbox row of every server is there.",
            f"That is through gearmand, with one worker process, in batches of {settings.FAN_OUT_BATCH:,}.",
            "Floor: one INSERT … SELECT into one flat table (same columns, same key, in its order), no worker.",
            f"{options.rounds} rounds, interleaved, medians; ratio: median of the ratios within a round.",
            "Inboxes and flat table grow alike.",
            "First asserted: both hold the same rows.",
        ],
        figures=figures,
    )


def _measure(rounds: int) -> tuple[dict[str, list[float]], float]:
    cold_s = _deliver(100_000)[1]
    for followers in AUTHORS:  # the same result first, then the clock
        photo_id, _ = _deliver(followers)
        _insert_flat(followers, photo_id)
        inboxes, flat = _inbox_rows(photo_id), _flat_rows(photo_id)
        assert len(flat) == followers, len(flat)
        assert inboxes == flat
    contenders = {}
    for followers in AUTHORS:
        contenders[f"ours {followers}"] = lambda n=followers: _deliver(n)[1]
        contenders[f"flat {followers}"] = lambda n=followers: seconds(lambda: _insert_flat(n, time.time_ns()))
    return interleaved(contenders, rounds), cold_s


def _deliver(followers: int) -> tuple[int, float]:
    return deliver(AUTHORS[followers], range(FIRST_FOLLOWER, FIRST_FOLLOWER + followers))


def _insert_flat(followers: int, photo_id: int) -> None:
    author_id = AUTHORS[followers]
    shard = shard_of(author_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO local.flat_inbox (user_id, photo_id, author_id)"
                " SELECT follower_id, %s, %s FROM {} WHERE followee_id = %s AND status = 'follows' ORDER BY follower_id"
            ).format(shard.table("accounts_follower")),
            [photo_id, author_id, author_id],
        )


def _load_followers() -> None:
    for followers, author_id in AUTHORS.items():
        load_followers(author_id, range(FIRST_FOLLOWER, FIRST_FOLLOWER + followers))
        shard = shard_of(author_id)
        with shard.cursor() as cursor:
            cursor.execute(sql.SQL("ANALYZE {}").format(shard.table("accounts_follower")))
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS local.flat_inbox (user_id bigint NOT NULL, photo_id bigint NOT NULL,"
                " author_id bigint NOT NULL, PRIMARY KEY (user_id, photo_id))"
            )


def _flat_rows(photo_id: int) -> list[tuple[int, ...]]:
    with shard_of(AUTHORS[100]).cursor() as cursor:
        cursor.execute(
            "SELECT user_id, photo_id, author_id FROM local.flat_inbox WHERE photo_id = %s ORDER BY 1", [photo_id]
        )
        return cursor.fetchall()


def _inbox_rows(photo_id: int) -> list[tuple[int, ...]]:
    rows: list[tuple[int, ...]] = []
    for server in all_servers():
        with server.cursor() as cursor:
            for shard in shards_on(server):
                cursor.execute(
                    sql.SQL("SELECT user_id, photo_id, author_id FROM {} WHERE photo_id = %s").format(
                        shard.table("feeds_inbox")
                    ),
                    [photo_id],
                )
                rows += cursor.fetchall()
    return sorted(rows)
