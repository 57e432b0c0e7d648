"""Keeping activity small, and giving it up with its person."""

import time

from django.conf import settings
from psycopg2 import sql

from accounts.services.deletion import Batch
from sharding import Server, shard_numbered, shard_of
from sharding.ids import created_time_of, first_id_at

from .models import Activity
from .queries import oldest_shown

#: Rows deleted in one statement.
BATCH = 5_000


def trim(shard_number: int) -> bool:
    """Delete a batch of entries older than ACTIVITY_DAYS, or beyond ACTIVITY_LENGTH of one person; True: there is more.

    Cost: a scan of one logical shard's table. Safe to repeat. Raises ShardUnavailable.
    """
    shard = shard_numbered(shard_number)
    statement = sql.SQL(
        "DELETE FROM {activity} WHERE (user_id, id) IN (SELECT user_id, id FROM (SELECT user_id, id, kind,"
        " row_number() OVER (PARTITION BY user_id ORDER BY id DESC) AS place FROM {activity}) AS placed"
        " WHERE id < %s OR (place > %s AND kind <> 'popular') LIMIT %s)"
    ).format(activity=shard.table("notifications_activity"))
    # That a photo was popular stays, or it would be told again; what was undone, while the act repeated is no news.
    oldest = min(oldest_shown(), first_id_at(max(0.0, time.time() - settings.ACTIVITY_AGAIN_HOURS * 3_600)))
    with shard.cursor() as cursor:
        cursor.execute(statement, [oldest, settings.ACTIVITY_LENGTH, BATCH])
        return bool(cursor.rowcount == BATCH)


def trim_deeds(server: Server) -> None:
    """Delete a batch of a server's deeds older than ACTIVITY_DAYS. Safe to repeat.

    Cost: one scan, which ends early while there are old ones: they are the first in the table.
    """
    with server.cursor() as cursor:
        cursor.execute(
            "DELETE FROM local.deed WHERE ctid = ANY (ARRAY(SELECT ctid FROM local.deed WHERE id < %s LIMIT %s))",
            [oldest_shown(), BATCH],
        )


def export(user_id: int) -> list[dict[str, str | None]]:
    """Return everything in a person's News for the archive of what they own. Cost: one query on their shard."""
    rows = shard_of(user_id).model(Activity).objects.filter(user_id=user_id, active=True).order_by("id")
    return [
        {
            "type": row.kind,
            "created_time": str(created_time_of(row.id)),
            "from_id": str(row.actor_id),
            "photo_id": None if row.photo_id is None else str(row.photo_id),
            "comment_id": None if row.comment_id is None else str(row.comment_id),
        }
        for row in rows
    ]


def erase(user_id: int) -> Batch:
    """Delete all activity of a deleted person's own. What they did to others has gone with the acts themselves."""
    shard = shard_of(user_id)
    statements = [
        sql.SQL("DELETE FROM {} WHERE user_id = %s").format(shard.table("notifications_activity")),
        sql.SQL("DELETE FROM {} WHERE user_id = %s").format(shard.table("notifications_seen")),
        sql.SQL("DELETE FROM local.deed WHERE actor_id = %s"),
    ]
    deleted = 0
    for statement in statements:
        with shard.cursor() as cursor:
            cursor.execute(statement, [user_id])
            deleted += cursor.rowcount
    return Batch(deleted, None)
