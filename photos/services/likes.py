"""Liking: the row on the photo's shard counts, its copy on the liker's shard says "liked by me"."""

import contextlib

from psycopg2 import sql

from accounts import visibility
from accounts.queries import profiles
from instagram.counting import count
from jobs import enqueue
from photos.queries.bodies import body_of, is_published
from photos.queries.engagement import forget_engagement
from sharding import Shard, ShardUnavailable, counters, shard_of, shard_of_object

#: Seconds that an ended like's copy is kept: longer than a task may take between reading a like and writing its copy.
ENDED_LIKE_S = 600
#: Before a change of one person's like of one photo draws its version: versions come in the order of the changes.
_LOCK = "(SELECT pg_advisory_xact_lock(%s::bigint # %s::bigint)) AS locked"


def like_photo(*, user_id: int, photo_id: int) -> None:
    """Like a photo the person may see. Harmless to repeat. Raises NotFound, NotAllowed."""
    body = body_of(photo_id)
    visibility.require_may_see(user_id, body.author_id)
    shard = shard_of_object(photo_id)
    with shard.atomic(), shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO {} (photo_id, user_id, owner_id) SELECT %s, %s, %s FROM "
                + _LOCK
                + " ON CONFLICT DO NOTHING RETURNING id"
            ).format(shard.table("photos_like")),
            [photo_id, user_id, body.author_id, photo_id, user_id],
        )
        row = cursor.fetchone()
        if row is None:
            return
        counters.add(shard, counters.PHOTO_LIKES, photo_id, 1)
        forget_engagement(shard, photo_id)
        _tell(shard, photo_id, owner_id=body.author_id, user_id=user_id, version=row[0])
    count("likes")
    with contextlib.suppress(ShardUnavailable):  # the job does it when the liker's server is back
        copy_like(photo_id=photo_id, user_id=user_id, version=row[0])


def unlike_photo(*, user_id: int, photo_id: int) -> None:
    """Take a like back. Harmless to repeat. Raises NotFound, NotAllowed."""
    body = body_of(photo_id)
    visibility.require_may_see(user_id, body.author_id)
    end_like(user_id=user_id, photo_id=photo_id)


def end_like(*, user_id: int, photo_id: int, is_gone: bool = False) -> None:
    """Take a like back whatever the liker may see; without one nothing changes. is_gone: the photo was deleted."""
    shard = shard_of_object(photo_id)
    with shard.atomic(), shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "DELETE FROM {} USING " + _LOCK + " WHERE photo_id = %s AND user_id = %s"
                " RETURNING local.next_id(%s, %s), owner_id"
            ).format(shard.table("photos_like")),
            [photo_id, user_id, photo_id, user_id, shard.number, f"{shard.schema}.clock"],
        )
        row = cursor.fetchone()
        if row is None:
            return
        counters.add(shard, counters.PHOTO_LIKES, photo_id, -1)
        forget_engagement(shard, photo_id)
        _tell(shard, photo_id, owner_id=row[1], user_id=user_id, version=row[0])
        if not is_gone:
            # The ended copy stays for a while: it keeps a late run of an earlier like from bringing that back.
            enqueue(
                "photos.drop_ended_like",
                on=shard,
                delay_s=ENDED_LIKE_S,
                photo_id=photo_id,
                user_id=user_id,
                version=row[0],
            )
    with contextlib.suppress(ShardUnavailable):
        copy_like(photo_id=photo_id, user_id=user_id, version=row[0])


def copy_like(*, photo_id: int, user_id: int, version: int) -> None:
    """Bring the liker's copy up to what the photo's shard says, unless the copy is newer. Safe to repeat.

    version: of the photo's shard's clock, when the change was made; the authority is read anew.
    """
    authority = shard_of_object(photo_id)
    like_id = _like_id(authority, photo_id, user_id)
    shard = shard_of(user_id)
    if like_id is None and not is_published(photo_id):
        # Nothing can like it again: no row has to say that this like ended.
        drop_ended_like(photo_id=photo_id, user_id=user_id, version=version)
        return
    if like_id is None and not _is_here(user_id):
        # Somebody who is being deleted: no new row may say so, and there is no later like that it could protect.
        with shard.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    "UPDATE {} SET like_id = %s, active = false WHERE user_id = %s AND photo_id = %s AND like_id < %s"
                ).format(shard.table("photos_liked")),
                [version, user_id, photo_id, version],
            )
        return
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO {} AS liked (user_id, photo_id, like_id, active) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (user_id, photo_id) DO UPDATE SET like_id = excluded.like_id, active = excluded.active"
                " WHERE excluded.like_id > liked.like_id"
            ).format(shard.table("photos_liked")),
            [user_id, photo_id, like_id or version, like_id is not None],
        )


def _tell(shard: Shard, photo_id: int, *, owner_id: int, user_id: int, version: int) -> None:
    """Have a changed like copied to the liker's shard, and told to the photo's owner; in the change's transaction."""
    enqueue("photos.copy_like", on=shard, photo_id=photo_id, user_id=user_id, version=version)
    if user_id != owner_id:
        facts = {"photo_id": photo_id, "owner_id": owner_id, "user_id": user_id, "version": version}
        enqueue("notifications.note_like", on=shard, **facts)


def drop_ended_like(*, photo_id: int, user_id: int, version: int) -> None:
    """Delete the liker's copy of a like that ended at `version` or before; a later one stays. Safe to repeat."""
    shard = shard_of(user_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE user_id = %s AND photo_id = %s AND like_id <= %s").format(
                shard.table("photos_liked")
            ),
            [user_id, photo_id, version],
        )


def _is_here(user_id: int) -> bool:
    person = profiles([user_id]).get(user_id)
    return person is not None and person.is_active


def _like_id(shard: Shard, photo_id: int, user_id: int) -> int | None:
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT id FROM {} WHERE photo_id = %s AND user_id = %s").format(shard.table("photos_like")),
            [photo_id, user_id],
        )
        row = cursor.fetchone()
    return row[0] if row else None
