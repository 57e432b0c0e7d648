"""One query per server over the shards of many photos; servers that fail are left out."""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from psycopg2 import sql

from sharding import Server, Shard, ShardUnavailable, deadline, shard_of_object

log = logging.getLogger(__name__)


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
    """Yield rows of one SELECT over every shard concerned. select: `{}` per table and one `%s` for the ids.

    Cost: one round trip per server, as a UNION ALL. What a server that is down would have said is left out; all
    servers together have PAGE_READ_BUDGET_S.
    """
    with deadline(settings.PAGE_READ_BUDGET_S):
        for server, shards in grouped(photo_ids).items():
            selects = [sql.SQL(select).format(*(shard.table(table) for table in tables)) for shard in shards]
            query = sql.SQL(" UNION ALL ").join(sql.SQL("({})").format(each) for each in selects)
            try:
                with server.cursor() as cursor:
                    cursor.execute(query, list(shards.values()))
                    rows = cursor.fetchall()
            except ShardUnavailable:
                log.info("a page goes without what is on %s", server.name)
                continue
            yield from rows
