"""Where a person's photos are, public or private: decided at the upload, changed when the account changes.

Names that were public stay known, so an account that goes private gets new ones: objects are copied to new stems below
prv/, the rows name these, the old ones go from store and edge. The other way round likewise.

A move is written into its job's arguments before the first copy, and then always carried out: a kill repeats the
copies under the same name, and no object is without a row or a job that knows it. Nobody asks on the way whether
it is still wanted; who turned the account back has enqueued the way back.
"""

import logging
from collections.abc import Sequence

from django.conf import settings
from psycopg2 import sql

from accounts.models import User
from accounts.queries import profiles
from caching import delete_after_commit
from jobs import Again, enqueue
from photos import storage
from photos.models import State
from photos.queries.bodies import BODY_KIND
from sharding import Shard, shard_of

log = logging.getLogger(__name__)

#: Photos in one batch: a kill repeats as many copies, and the job's row holds as many names.
BATCH = 25
#: Photo id, the stem it has, the stem it gets.
Move = tuple[int, str, str]


def is_private(user_id: int) -> bool:
    """Return whether what somebody uploads now belongs below prv/; who cannot be read may be private."""
    person = profiles([user_id]).get(user_id)
    return person is None or person.is_private


def rehome(author_id: int, *, after: int, moves: Sequence[Move]) -> Again | None:
    """Carry out a batch of moves, and find the next one: photos that are not where the account says they belong.

    after: the photo id found last. Safe to repeat, and beside itself. Cost: two reads; a photo costs a server-side copy
    of each rendition and one transaction. Raises ShardUnavailable, StorageUnavailable.
    """
    shard = shard_of(author_id)
    for each in moves:
        move(shard, *each)
    # Past the cache: the job may be a moment behind the switch.
    private = User.objects.filter(pk=author_id).values_list("is_private", flat=True).first()
    if private is None:
        return None
    if any(storage.is_private(new) != private for _, _, new in moves):
        # Turned back meanwhile, and the job that takes the way back may have passed here before.
        enqueue("photos.rehome", author_id=author_id)
        return None
    found = _misplaced(shard, author_id, private=private, after=after)
    if not found:
        return None
    return Again(
        after=found[-1][0],
        moves=[(photo_id, stem, storage.new_stem(private=private)) for photo_id, stem in found],
    )


def _misplaced(shard: Shard, author_id: int, *, private: bool, after: int) -> list[tuple[int, str]]:
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT id, image_stem FROM {} WHERE author_id = %s AND state = %s AND id > %s"
                " AND image_stem LIKE 'p%%' <> %s ORDER BY id LIMIT %s"
            ).format(shard.table("photos_photo")),
            [author_id, State.VISIBLE, after, private, BATCH],
        )
        return cursor.fetchall()


def move(shard: Shard, photo_id: int, old: str, new: str, *, state: State = State.VISIBLE) -> None:
    """Give a photo's files new names, while it is in that state. Safe to repeat, and beside itself.

    Cost: a copy of each rendition and one transaction. Raises ShardUnavailable, StorageUnavailable.
    """
    if _found(shard, photo_id) == (old, state):
        try:
            storage.copy_renditions(old, new)
        except storage.NotThere:
            # Another run was faster and the old ones are gone, or the store has lost them: audit_storage says which.
            log.warning("photo %s: renditions of %s are not there to be moved", photo_id, old)
        else:
            _name(shard, photo_id, old, new, state)
    # Whatever its state is by now: a move that was done before is repeated after a photo was held, or put back.
    if _found(shard, photo_id)[0] != new:
        # Deleted, or named otherwise: stems never come back to an old one, so nothing will ever name this one.
        storage.delete_renditions(new)


def _name(shard: Shard, photo_id: int, old: str, new: str, state: State) -> None:
    """Let the photo's row name the new stem instead of the old one, whose files go; nothing if it has another."""
    with shard.atomic(), shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("UPDATE {} SET image_stem = %s WHERE id = %s AND image_stem = %s AND state = %s").format(
                shard.table("photos_photo")
            ),
            [new, photo_id, old, state],
        )
        if cursor.rowcount:
            delete_after_commit(shard, BODY_KIND, [photo_id])
            # Open pages show signed addresses until these end; public ones, and what is held, must not live on.
            stays = storage.is_private(old) and state == State.VISIBLE
            delay_s = settings.PRIVATE_URL_S if stays else 0
            enqueue("photos.purge", on=shard, delay_s=delay_s, photo_id=photo_id, stem=old)


def _found(shard: Shard, photo_id: int) -> tuple[str, State] | tuple[None, None]:
    """Return a photo's stem and state, unless it is deleted."""
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT image_stem, state FROM {} WHERE id = %s AND state <> %s").format(
                shard.table("photos_photo")
            ),
            [photo_id, State.DELETED],
        )
        row = cursor.fetchone()
    return (row[0], State(row[1])) if row else (None, None)
