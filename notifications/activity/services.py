"""Writing activity: an act is noted, ended, seen. Everything may run twice, and in any order.

Who calls has made sure of the act at its authority; `version` is of that authority's clock, and an older one changes
nothing. The same one brings back what was ended: a comment that staff took down has one version for life.
"""

import time
from dataclasses import dataclass

from django.conf import settings
from psycopg2 import sql

from jobs import enqueue
from jobs.tasks import registry
from sharding import Shard, shard_of
from sharding.ids import first_id_at

from .models import Kind


@dataclass(frozen=True, slots=True)
class Act:
    """Which act: somebody did something of a kind, to an object (in News 0 where there can be one only)."""

    kind: Kind
    actor_id: int
    object_id: int = 0


def note(
    user_id: int,
    act: Act,
    *,
    version: int,
    photo_id: int | None = None,
    comment_id: int | None = None,
    owner_id: int | None = None,
) -> None:
    """Put an act into a person's News, unless they blocked the actor, and have their phone told.

    owner_id: whose photo it is, if it matters that they are not blocked either.
    An act that was ended and comes back within ACTIVITY_AGAIN_HOURS is old news, and so is the same version of it
    whenever it comes back: its entry is again where it was, and the phone rings for it only if it did not before.
    Cost: two statements on the person's shard, one if this changes nothing. Raises ShardUnavailable.
    """
    shard = shard_of(user_id)
    statement = sql.SQL(
        "WITH minted AS (SELECT local.next_id(%(shard)s, %(clock)s) AS id)"
        " INSERT INTO {activity} AS entry"
        " (user_id, kind, actor_id, object_id, photo_id, comment_id, version, active, id)"
        " SELECT %(user)s, %(kind)s, %(actor)s, %(object)s, %(photo)s, %(comment)s, %(version)s, true, id FROM minted"
        " WHERE NOT EXISTS (SELECT FROM {block} WHERE owner_id = %(user)s AND blocked_id IN (%(actor)s, %(owner)s)"
        " AND active)"
        " ON CONFLICT (user_id, kind, actor_id, object_id) DO UPDATE SET active = true, version = excluded.version,"
        " photo_id = excluded.photo_id, id = CASE WHEN entry.id < %(old)s AND entry.version < excluded.version"
        " THEN excluded.id ELSE entry.id END"
        " WHERE entry.version < excluded.version OR (entry.version = excluded.version AND NOT entry.active)"
        " RETURNING id"
    ).format(activity=shard.table("notifications_activity"), block=shard.table("accounts_block"))
    with shard.atomic(), shard.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "user": user_id,
                "kind": act.kind,
                "actor": act.actor_id,
                "object": act.object_id,
                "photo": photo_id,
                "comment": comment_id,
                "owner": owner_id,
                "version": version,
                "shard": shard.number,
                "clock": f"{shard.schema}.clock",
                "old": first_id_at(max(0.0, time.time() - settings.ACTIVITY_AGAIN_HOURS * 3_600)),
            },
        )
        row = cursor.fetchone()
        if row:
            # Of what comes back, too: it may have been undone before its first job could ring.
            _tell_phones(shard, user_id, row[0])


def end(user_id: int, act: Act, *, version: int, for_good: bool = False) -> None:
    """Take an act out of a person's News, unless a newer version of it was noted.

    The row stays for when the act comes back. for_good: it does not, since its actor is being deleted.
    Cost: one statement on the person's shard. Raises ShardUnavailable.
    """
    shard = shard_of(user_id)
    change = "DELETE FROM {}" if for_good else "UPDATE {} SET active = false, version = %(version)s"
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                change + " WHERE user_id = %(user)s AND kind = %(kind)s AND actor_id = %(actor)s"
                " AND object_id = %(object)s AND version <= %(version)s"
            ).format(shard.table("notifications_activity")),
            {
                "user": user_id,
                "kind": act.kind,
                "actor": act.actor_id,
                "object": act.object_id,
                "version": version,
            },
        )


def see(user_id: int, *, up_to: int | None) -> None:
    """Note that a person has seen their entries up to and with one; None: all there are. Never goes back.

    Cost: one statement on the person's shard. Raises ShardUnavailable.
    """
    shard = shard_of(user_id)
    # No further than to the newest there is: a made-up id must not hide what is yet to come.
    statement = sql.SQL(
        "INSERT INTO {seen} AS old (user_id, entry_id)"
        " SELECT %(user)s, least(max(id), %(up_to)s) FROM {activity} WHERE user_id = %(user)s AND active"
        " HAVING max(id) IS NOT NULL"
        " ON CONFLICT (user_id) DO UPDATE SET entry_id = excluded.entry_id WHERE old.entry_id < excluded.entry_id"
    ).format(seen=shard.table("notifications_seen"), activity=shard.table("notifications_activity"))
    with shard.cursor() as cursor:
        cursor.execute(statement, {"user": user_id, "up_to": up_to})


def note_deed(act: Act, deed_id: int) -> None:
    """Write down on the actor's server what they did, for those who follow them. Harmless to repeat.

    deed_id: of the like, the comment, or the follow's version. Cost: one statement. Raises ShardUnavailable.
    """
    shard = shard_of(act.actor_id)
    with shard.cursor() as cursor:
        cursor.execute(
            "INSERT INTO local.deed (actor_id, id, kind, object_id, logical_shard) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [act.actor_id, deed_id, act.kind, act.object_id, shard.number],
        )


def forget_deed(act: Act, *, up_to: int, since: int = 0) -> None:
    """Undo note_deed() for deeds of this kind and object with ids of a range. Cost: one statement."""
    with shard_of(act.actor_id).cursor() as cursor:
        cursor.execute(
            "DELETE FROM local.deed WHERE actor_id = %s AND id BETWEEN %s AND %s AND kind = %s AND object_id = %s",
            [act.actor_id, since, up_to, act.kind, act.object_id],
        )


def end_photo(photo_id: int, user_id: int) -> None:
    """Take a deleted photo out of a person's News. Cost: one statement; harmless to repeat."""
    shard = shard_of(user_id)
    query = sql.SQL("DELETE FROM {} WHERE user_id = %s AND photo_id = %s")
    with shard.cursor() as cursor:
        cursor.execute(query.format(shard.table("notifications_activity")), [user_id, photo_id])


def _tell_phones(shard: Shard, user_id: int, activity_id: int) -> None:
    """Have a person's phones told of an entry, in its transaction; what has rung rings no more."""
    # The names meet in the registry alone: a process without that task (a benchmark's) notes entries all the same.
    if "notifications.push" in registry:
        enqueue("notifications.push", on=shard, user_id=user_id, activity_id=activity_id)
