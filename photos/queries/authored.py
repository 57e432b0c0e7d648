"""Comments by who wrote them: for exports and deletions, not for pages."""

from collections.abc import Iterable, Iterator
from itertools import islice

from psycopg2 import sql

from sharding import Server, Shard, shard_numbered

from .engagement import CommentFacts

#: Logical shards asked in one query.
SHARDS_AT_ONCE = 32


def comments_by(user_id: int, numbers: Iterable[int], *, limit: int = 1_000) -> list[CommentFacts]:
    """Return comments of a person that stand on the given logical shards, oldest first, at most `limit` of each.

    Those that staff has taken down are among them: they are still the person's.

    Cost: one query per server and SHARDS_AT_ONCE shards. Raises ShardUnavailable: nothing is left out.
    """
    found: list[CommentFacts] = []
    for server, shards in _by_server(numbers):
        selects = [
            sql.SQL(
                "(SELECT id, photo_id, author_id, text FROM {}"
                " WHERE author_id = %s AND state <> 1 ORDER BY id LIMIT %s)"
            ).format(shard.table("photos_comment"))
            for shard in shards
        ]
        with server.cursor() as cursor:
            cursor.execute(sql.SQL(" UNION ALL ").join(selects), [user_id, limit] * len(shards))
            found += [CommentFacts(*row) for row in cursor.fetchall()]
    return sorted(found, key=lambda comment: comment.id)


def _by_server(numbers: Iterable[int]) -> Iterator[tuple[Server, list[Shard]]]:
    servers: dict[Server, list[Shard]] = {}
    for number in numbers:
        shard = shard_numbered(number)
        servers.setdefault(shard.server, []).append(shard)
    for server, shards in servers.items():
        rest = iter(shards)
        while chunk := list(islice(rest, SHARDS_AT_ONCE)):
            yield server, chunk
