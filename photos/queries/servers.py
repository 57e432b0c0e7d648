"""One query per server over the shards of many photos; servers that fail are left out."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from psycopg2 import sql

from sharding import Server, Shard, gather, shard_of_object


def grouped(photo_ids: Iterable[int]) -> dict[Server, dict[Shard, list[int]]]:
    """Group photo ids by server and shard; ids of no shard here are left out."""
    groups: dict[Server, dict[Shard, list[int]]] = {}
    for photo_id in dict.fromkeys(photo_ids):
        try:
            shard = shard_of_object(photo_id)
        except ValueError:
            continue
        groups.setdefault(shard.server, {}).setdefault(shard, []).append(photo_id)
    return groups


def select_all(select: str, tables: list[str], photo_ids: Iterable[int]) -> Iterator[tuple[Any, ...]]:
    """Return rows of one SELECT over every shard concerned. select: `{}` per table and one `%s` for the ids.

    Cost: one round trip per server, as a UNION ALL. What a server that is down would have said is left out.
    """

    def ask(server: Server, shards: dict[Shard, list[int]]) -> list[tuple[Any, ...]]:
        selects = [sql.SQL(select).format(*(shard.table(table) for table in tables)) for shard in shards]
        query = sql.SQL(" UNION ALL ").join(sql.SQL("({})").format(each) for each in selects)
        with server.cursor() as cursor:
            cursor.execute(query, list(shards.values()))
            return cursor.fetchall()

    return chain.from_iterable(gather(grouped(photo_ids), ask).values())
