"""The steps of an account's deletion that concern photos, likes and comments. Every batch may run twice."""

import contextlib

from django.conf import settings
from psycopg2 import sql

from accounts.models import Export
from accounts.queries import profiles
from accounts.services.deletion import Batch
from instagram.errors import NotFound
from photos import storage
from photos.models import State
from photos.queries.authored import SHARDS_AT_ONCE, comments_by
from photos.queries.pages import photos_by
from photos.services import holding, purging, unpublished
from photos.services.comments import withdraw_comment
from photos.services.likes import end_like
from photos.services.publish import delete_photo
from sharding import shard_numbered, shard_of

#: Photos, likes, comments in one batch.
PHOTOS, LIKES, COMMENTS = 20, 200, 500


def erase_photos(user_id: int) -> Batch:
    """Delete a batch of a person's photos as they would themselves, then what is left of deleted ones, then the files.

    So everything that hangs on a deletion (inboxes, tags, places) happens here too. Raises ShardUnavailable,
    StorageUnavailable.
    """
    shown = photos_by(user_id, count=PHOTOS)
    for photo_id in shown:
        with contextlib.suppress(NotFound):  # another run of this batch was faster
            delete_photo(user_id=user_id, photo_id=photo_id)
    if shown:
        return Batch(len(shown), {})
    shard = shard_of(user_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT id, image_stem, state FROM {} WHERE author_id = %s ORDER BY id LIMIT %s").format(
                shard.table("photos_photo")
            ),
            [user_id, PHOTOS],
        )
        rows = cursor.fetchall()
    stems = {photo_id: stem for photo_id, stem, _ in rows}
    for photo_id, _, state in rows:
        if state == State.HELD:
            holding.give_up(photo_id)
    if stems:
        # Files first: only the rows know their names.
        purging.purge_files([key for stem in stems.values() for key in storage.keys_of(stem)])
        purging.erase(shard, list(stems))
        return Batch(0, {})
    with shard.cursor() as cursor:
        for table in ("photos_upload", "photos_originaluse"):
            cursor.execute(sql.SQL("DELETE FROM {} WHERE author_id = %s").format(shard.table(table)), [user_id])
    unpublished.throw_away_of(shard, user_id)
    person = profiles([user_id]).get(user_id)
    if person and person.picture:
        purging.purge_files(storage.keys_of(person.picture))
    purging.purge_files(list(Export.objects.filter(user=user_id).exclude(key="").values_list("key", flat=True)))
    return Batch(0, None)


def erase_likes(user_id: int) -> Batch:
    """Take a batch of a person's likes back, on the photos' shards with their counts. Raises ShardUnavailable."""
    shard = shard_of(user_id)
    table = shard.table("photos_liked")
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT photo_id FROM {} WHERE user_id = %s ORDER BY photo_id LIMIT %s").format(table),
            [user_id, LIKES],
        )
        photo_ids = [row[0] for row in cursor.fetchall()]
    for photo_id in photo_ids:
        end_like(user_id=user_id, photo_id=photo_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE user_id = %s AND photo_id = ANY(%s)").format(table), [user_id, photo_ids]
        )
    return Batch(len(photo_ids), {} if photo_ids else None)


def erase_comments(user_id: int, *, shard_number: int) -> Batch:
    """Delete a batch of a person's comments, on SHARDS_AT_ONCE logical shards from shard_number on.

    Raises ShardUnavailable.
    """
    numbers = range(shard_number, min(shard_number + SHARDS_AT_ONCE, settings.LOGICAL_SHARDS))
    comments = comments_by(user_id, numbers, limit=COMMENTS)
    for comment in comments:
        withdraw_comment(photo_id=comment.photo_id, comment_id=comment.id)
    if comments:
        return Batch(len(comments), {"shard_number": shard_number})
    for number in numbers:
        shard = shard_numbered(number)
        with shard.cursor() as cursor:
            cursor.execute(
                sql.SQL("DELETE FROM {} WHERE author_id = %s").format(shard.table("photos_comment")), [user_id]
            )
    return Batch(0, {"shard_number": numbers.stop} if numbers.stop < settings.LOGICAL_SHARDS else None)
