"""Keeping activity small, and giving it up with its person."""

import time
from typing import Any

from django.conf import settings
from psycopg2 import sql

from accounts.services.deletion import Batch
from sharding import Shard, shard_numbered, shard_of
from sharding.ids import created_time_of, first_id_at

from .models import Activity
from .queries import oldest_shown

#: Rows deleted in one statement.
BATCH = 5_000


def trim(shard_number: int) -> bool:
    """Delete a batch of what is older than ACTIVITY_DAYS, or beyond ACTIVITY_LENGTH of one person; True: there is more.

    Cost: two scans of one logical shard's tables. Safe to repeat. Raises ShardUnavailable.
    """
    shard = shard_numbered(shard_number)
    activity = shard.table("notifications_activity")
    entries = sql.SQL(
        "DELETE FROM {activity} WHERE (user_id, id) IN (SELECT user_id, id FROM (SELECT user_id, id, kind,"
        " row_number() OVER (PARTITION BY user_id ORDER BY id DESC) AS place FROM {activity}) AS placed"
        " WHERE id < %s OR (place > %s AND kind <> 'popular') LIMIT %s)"
    ).format(activity=activity)
    commented = sql.SQL(
        "DELETE FROM {commented} WHERE (user_id, comment_id) IN"
        " (SELECT user_id, comment_id FROM {commented} WHERE comment_id < %s LIMIT %s)"
    ).format(commented=shard.table("notifications_commented"))
    # That a photo was popular stays, or it would be told again; what was undone, while the act repeated is no news.
    oldest = min(oldest_shown(), first_id_at(max(0.0, time.time() - settings.ACTIVITY_AGAIN_HOURS * 3_600)))
    deleted = [
        _delete(shard, entries, [oldest, settings.ACTIVITY_LENGTH, BATCH]),
        _delete(shard, commented, [oldest_shown(), BATCH]),
    ]
    return BATCH in deleted


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
    deleted = sum(
        _delete(shard, sql.SQL("DELETE FROM {} WHERE user_id = %s").format(shard.table(table)), [user_id])
        for table in ("notifications_activity", "notifications_seen", "notifications_commented")
    )
    return Batch(deleted, None)


def _delete(shard: Shard, statement: sql.Composable, arguments: list[Any]) -> int:
    with shard.cursor() as cursor:
        cursor.execute(statement, arguments)
        return int(cursor.rowcount)
