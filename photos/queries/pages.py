"""Pages of one person's photos."""

from psycopg2 import sql

from sharding import shard_of
from sharding.ids import MAX_ID


def photos_by(author_id: int, *, below: int = MAX_ID, above: int = 0, count: int = 20) -> list[int]:
    """Return ids of a person's photos between two cursors (both exclusive), newest first, at most `count`.

    Cost: one query on the author's shard. Raises ShardUnavailable.
    """
    shard = shard_of(author_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT id FROM {} WHERE author_id = %s AND state = 0 AND id < %s AND id > %s ORDER BY id DESC LIMIT %s"
            ).format(shard.table("photos_photo")),
            [author_id, below, above, count],
        )
        return [row[0] for row in cursor.fetchall()]
