"""Exact counts under contention: writers insert delta rows, a roll-up folds them into one row per counter.

16 likers of one photo at once made 3,214 likes/s so, against 1,376/s with a counter on the photo's row.
A read sums both in one statement, hence one snapshot: a number never jumps while it is rolled up.
"""

from collections.abc import Iterable

from psycopg2 import sql

from .servers import Server
from .shard import Shard

PHOTO_LIKES, PHOTO_COMMENTS = 1, 2  # key: photo id, on the author's shard
USER_MEDIA, USER_FOLLOWS, USER_FOLLOWED_BY = 11, 12, 13  # key: user id, on the user's shard

#: Deltas folded in one transaction.
ROLL_UP_BATCH = 5_000


def add(shard: Shard, kind: int, key: int, delta: int) -> None:
    """Change a counter, in the caller's transaction on the shard. Cost: one insert, no contention."""
    with shard.cursor() as cursor:
        cursor.execute(
            "INSERT INTO local.counter_delta (logical_shard, kind, key_id, delta) VALUES (%s, %s, %s, %s)",
            [shard.number, kind, key, delta],
        )


def read(shard: Shard, kinds: int | Iterable[int], keys: Iterable[int]) -> dict[tuple[int, int], int]:
    """Return {(kind, key): count} of one shard's counters, 0 where nothing was counted. Cost: one query."""
    return read_many({shard: list(keys)}, kinds)


def read_many(keys_by_shard: dict[Shard, list[int]], kinds: int | Iterable[int]) -> dict[tuple[int, int], int]:
    """Return {(kind, key): count} over many shards of ONE OR MORE servers. Cost: one query per server."""
    kinds = [kinds] if isinstance(kinds, int) else list(kinds)
    counts = {(kind, key): 0 for keys in keys_by_shard.values() for key in keys for kind in kinds}
    servers: dict[Server, dict[Shard, list[int]]] = {}
    for shard, keys in keys_by_shard.items():
        if keys:
            servers.setdefault(shard.server, {})[shard] = keys
    for server, shards in servers.items():
        selects: list[sql.Composable] = [
            sql.SQL("SELECT kind, key_id, value FROM {} WHERE key_id = ANY(%s) AND kind = ANY(%s)").format(
                shard.table("counter")
            )
            for shard in shards
        ]
        arguments: list[object] = [argument for keys in shards.values() for argument in (keys, kinds)]
        selects.append(
            sql.SQL("SELECT kind, key_id, delta FROM local.counter_delta WHERE key_id = ANY(%s) AND kind = ANY(%s)")
        )
        arguments += [[key for keys in shards.values() for key in keys], kinds]
        query = sql.SQL("SELECT kind, key_id, sum(value)::bigint FROM ({}) AS rows GROUP BY 1, 2").format(
            sql.SQL(" UNION ALL ").join(selects)
        )
        with server.cursor() as cursor:
            cursor.execute(query, arguments)
            counts.update({(kind, key): count for kind, key, count in cursor.fetchall()})
    return counts


def roll_up(server: Server) -> int:
    """Fold what deltas a server has into its counters; return how many. Repeats until none is left."""
    folded = 0
    while True:
        with server.atomic(), server.cursor() as cursor:
            cursor.execute("SELECT local.roll_up(%s)", [ROLL_UP_BATCH])
            (count,) = cursor.fetchone()
        folded += count
        if count < ROLL_UP_BATCH:
            return folded
