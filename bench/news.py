"""The Following stream merged when it is read, beside one written into every follower's stream at each act.

People follow and are followed alike here. Merging costs at each look, writing at each act; acts (likes, comments,
follows) are more than looks at this stream. Both sides are timed at the database: statements, not the presenting.
"""

import argparse
import statistics
from typing import Any

from psycopg2 import sql

from bench.framework import Grid, Result, Row, interleaved, seconds
from bench.scratch import analyze, data_centre
from notifications.activity import following
from notifications.activity.models import Kind
from notifications.activity.services import Act, note_deed
from sharding import Shard, by_server, physical_servers, shard_of, shards_on
from sharding.ids import MAX_ID, compose

READER = 1
FIRST_FRIEND = 1_000
PAGE = 20
#: Of each followed person, in the days that are shown: a lively one.
LIKES, COMMENTS, FOLLOWS = 200, 50, 50
#: Acts a person makes for each look of theirs at the stream, for the ratio; the grid has the break-even.
ACTS_PER_LOOK = 10

_TELL = """
CREATE FUNCTION local.tell(act_id bigint, kind text, actor_id bigint, object_id bigint, reader_ids bigint[])
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  part record;
BEGIN
  FOR part IN
    SELECT 's' || lpad((id %% {shards})::text, 4, '0') AS schema, array_agg(id ORDER BY id) AS ids
    FROM unnest(reader_ids) AS id GROUP BY id %% {shards} ORDER BY id %% {shards}
  LOOP
    EXECUTE 'INSERT INTO ' || part.schema || '.stream (user_id, id, kind, actor_id, object_id)'
      ' SELECT reader, $1, $2, $3, $4 FROM unnest($5) AS reader ON CONFLICT DO NOTHING'
      USING act_id, kind, actor_id, object_id, part.ids;
  END LOOP;
END $$
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sizes."""
    parser.add_argument("--shards", type=int, nargs="+", default=[64, 1024], help="numbers of logical shards")
    parser.add_argument("--followed", type=int, nargs="+", default=[50, 200], help="people followed, and followers")
    parser.add_argument("--rounds", type=int, default=30)


def run(options: Any) -> Result:
    """Measure at each number of logical shards and of people."""
    rows, break_even, ratios, figures = [], [], {}, {}
    for shards in options.shards:
        options.console.print(f"{shards} logical shards: making them, loading acts …", highlight=False)
        with data_centre(shards=shards):
            friends = list(range(FIRST_FRIEND, FIRST_FRIEND + max(options.followed)))
            _load(friends, shards)
            for many in options.followed:
                taken = _measure(friends[:many], options.rounds)
                merged, deed, page, write = (
                    statistics.median(taken[name]) for name in ("merged", "deed", "page", "write")
                )
                ours, alternative = merged + ACTS_PER_LOOK * deed, page + ACTS_PER_LOOK * write
                ratio = ours / alternative
                what = f"{many} followed, {shards:,} logical shards"
                rows.append(
                    Row(f"a look, {what}, ms", ours=merged * 1000, floor=page * 1000, alternative=None, ratio=None)
                )
                acts = f"a look and {ACTS_PER_LOOK} acts, {what}, ms"
                rows.append(Row(acts, ours=ours * 1000, alternative=alternative * 1000, ratio=ratio))
                break_even.append([what, deed * 1000, write * 1000, (merged - page) / (write - deed)])
                ratios[f"x_read_write_{many}_{shards}_shards"] = ratio
                figures[what] = taken
    ratios["x_read_write"] = max(ratios.values())
    return Result(
        rows=rows,
        grids=[
            Grid(
                "Where writing begins to pay",
                ["", "an act once, ms", "an act to all followers, ms", "acts per look"],
                break_even,
            )
        ],
        ratios=ratios,
        bars={"x_read_write": 1.0},
        how=[
            f"A page of {PAGE} from people with {LIKES} likes, {COMMENTS} comments and {FOLLOWS} follows each.",
            "Ours: an act is a row on its actor's server, a page is merged by one query per server.",
            "Floor: a page of a stream written before.",
            "Alternative: that page, and writing acts into every follower's stream, one round trip per server and act.",
            f"Ratio: ours / alternative at {ACTS_PER_LOOK} acts per look; followers as many as followed.",
            f"{options.rounds} rounds, interleaved, medians. First asserted: both give the same page.",
        ],
        figures=figures,
    )


def _measure(friends: list[int], rounds: int) -> dict[str, list[float]]:
    shard = shard_of(READER)
    merged = following._acts(friends, below=MAX_ID, count=PAGE)
    with shard.cursor() as cursor:
        cursor.execute(sql.SQL("DELETE FROM {}").format(shard.table("stream")))
    for act_id, kind, actor_id, object_id in following._acts(friends, below=MAX_ID, count=20 * PAGE):
        _tell(act_id, kind, actor_id, object_id, [READER])
    assert _page(shard) == merged, (merged[:3], _page(shard)[:3])
    fresh = iter(range(10**9, 10**10))  # no act twice: each is an insert
    contenders = {
        "merged": lambda: seconds(lambda: following._acts(friends, below=MAX_ID, count=PAGE)),
        "deed": lambda: seconds(lambda: note_deed(Act(Kind.LIKE, READER, 1), next(fresh))),
        "page": lambda: seconds(lambda: _page(shard)),
        "write": lambda: seconds(lambda: _tell(next(fresh), Kind.LIKE, READER, 1, friends)),
    }
    return interleaved(contenders, rounds)


def _page(shard: Shard) -> list[tuple[int, Kind, int, int]]:
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT id, kind, actor_id, object_id FROM {} WHERE user_id = %s AND id < %s ORDER BY id DESC LIMIT %s"
            ).format(shard.table("stream")),
            [READER, MAX_ID, PAGE],
        )
        return [(act_id, Kind(kind), *rest) for act_id, kind, *rest in cursor.fetchall()]


def _tell(act_id: int, kind: Kind, actor_id: int, object_id: int, reader_ids: list[int]) -> None:
    for server, ids in by_server(reader_ids).items():
        with server.cursor() as cursor:
            cursor.execute("SELECT local.tell(%s, %s, %s, %s, %s)", [act_id, kind.value, actor_id, object_id, ids])


def _load(friends: list[int], shards: int) -> None:
    for server in physical_servers():
        with server.cursor() as cursor:
            cursor.execute(_TELL.format(shards=shards).replace("%%", "%"))
            for shard in shards_on(server):
                cursor.execute(
                    sql.SQL(
                        "CREATE TABLE {} (user_id bigint, id bigint, kind text, actor_id bigint, object_id bigint,"
                        " PRIMARY KEY (user_id, id))"
                    ).format(shard.table("stream"))
                )
    acts = [Kind.LIKE] * LIKES + [Kind.COMMENT] * COMMENTS + [Kind.FOLLOW] * FOLLOWS
    for friend in friends:
        shard = shard_of(friend)
        # An act a second of everybody, no two at once.
        ids = [compose(second * 1000 + friend % 1000, shard.number, 0) for second in range(len(acts))]
        with shard.cursor() as cursor:
            cursor.execute(
                "INSERT INTO local.deed (actor_id, id, kind, object_id, logical_shard)"
                " SELECT %s, id, kind, id, %s FROM unnest(%s::bigint[], %s::text[]) AS deed (id, kind)",
                [friend, shard.number, ids, [kind.value for kind in acts]],
            )
    analyze()
