"""What a deleted photo leaves behind is taken away: files, rows, what hangs on them. proof.py looks afterwards."""

from collections.abc import Iterable, Sequence

from psycopg2 import sql

from caching import delete
from jobs import enqueue, enqueue_many
from photos import storage
from photos.mentions import mentions_in
from photos.models import State
from photos.queries.bodies import BODY_KIND
from photos.queries.engagement import ENGAGEMENT_KIND
from photos.services import indexes, receipts
from photos.services.likes import end_like
from sharding import Shard, photo_map, shard_of

#: Likes and comments under deleted photos that one batch takes.
LIKES, COMMENTS = 200, 500


def purge_files(object_keys: Sequence[str]) -> None:
    """Delete objects, then the copies at the CDN. Safe to repeat. Raises StorageUnavailable, EdgeUnavailable."""
    # The other way round the edge would fetch them again.
    storage.delete_keys(object_keys)
    storage.purge(object_keys)


def erase(shard: Shard, photo_ids: Sequence[int]) -> bool:
    """Delete a batch of what hangs on deleted photos of one shard, at last their rows; True when nothing is left.

    Photos that are not deleted are left alone. Safe to repeat. Cost: as indexes.index_photos(), some queries a like.
    Raises ShardUnavailable.
    """
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT id FROM {} WHERE id = ANY(%s) AND state <> %s").format(shard.table("photos_photo")),
            [list(photo_ids), State.DELETED],
        )
        shown = {row[0] for row in cursor.fetchall()}
    gone = [photo_id for photo_id in photo_ids if photo_id not in shown]
    # While the rows can still say by what the photos were found.
    indexes.index_photos(shard, gone)
    if not _erase_below(shard, gone):
        return False
    with shard.atomic(), shard.cursor() as cursor:
        # By the author: a retry key is found by nothing else.
        cursor.execute(
            sql.SQL(
                "DELETE FROM {upload} WHERE photo_id = ANY(%s) AND author_id IN"
                " (SELECT author_id FROM {photo} WHERE id = ANY(%s))"
            ).format(upload=shard.table("photos_upload"), photo=shard.table("photos_photo")),
            [gone, gone],
        )
        for photo_id in gone:
            receipts.withdraw(shard, photo_id)
        for table in (shard.table("counter"), sql.Identifier("local", "counter_delta")):
            cursor.execute(sql.SQL("DELETE FROM {} WHERE key_id = ANY(%s) AND kind < 10").format(table), [gone])
        cursor.execute("DELETE FROM local.newest_photo WHERE photo_id = ANY(%s)", [gone])
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE id = ANY(%s) RETURNING id, author_id, caption").format(
                shard.table("photos_photo")
            ),
            [gone],
        )
        rows = cursor.fetchall()
        _forget_mentions(shard, ((photo_id, caption) for photo_id, _, caption in rows))
        captions = [{"photo_id": photo_id, "author_id": author_id} for photo_id, author_id, caption in rows if caption]
        enqueue_many("moderation.forget_texts", captions, on=shard)
        if rows:
            enqueue("moderation.close_gone", on=shard, kind="media", target_ids=[row[0] for row in rows])
    photo_map.forget(gone)
    for kind in (BODY_KIND, ENGAGEMENT_KIND):
        delete(kind, gone)
    return True


def _erase_below(shard: Shard, photo_ids: list[int]) -> bool:
    """Delete a batch of likes and comments under deleted photos, with the likers' copies; True when none is left."""
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT photo_id, user_id FROM {} WHERE photo_id = ANY(%s) LIMIT %s").format(
                shard.table("photos_like")
            ),
            [photo_ids, LIKES],
        )
        likes = cursor.fetchall()
    for photo_id, user_id in likes:
        end_like(user_id=user_id, photo_id=photo_id, is_gone=True)
        home = shard_of(user_id)
        with home.cursor() as cursor:
            cursor.execute(
                sql.SQL("DELETE FROM {} WHERE user_id = %s AND photo_id = %s").format(home.table("photos_liked")),
                [user_id, photo_id],
            )
    comment = shard.table("photos_comment")
    with shard.atomic(), shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "DELETE FROM {} WHERE id IN (SELECT id FROM {} WHERE photo_id = ANY(%s) LIMIT %s)"
                " RETURNING id, photo_id, author_id, text"
            ).format(comment, comment),
            [photo_ids, COMMENTS],
        )
        rows = cursor.fetchall()
        comments = [row[1:] for row in rows]
        if rows:
            enqueue("moderation.close_gone", on=shard, kind="comment", target_ids=[row[0] for row in rows])
        wrote = sorted({(photo_id, author_id) for photo_id, author_id, _ in comments})
        told = [{"photo_id": photo_id, "author_id": author_id} for photo_id, author_id in wrote]
        enqueue_many("notifications.forget_comments", told, on=shard)
        enqueue_many("moderation.forget_texts", told, on=shard)
        _forget_mentions(shard, ((photo_id, text) for photo_id, _, text in comments))
    return len(likes) < LIKES and len(comments) < COMMENTS


def _forget_mentions(shard: Shard, texts: Iterable[tuple[int, str]]) -> None:
    """Have the people whom captions and comments name forget their photos, in the transaction that deletes the texts.

    The jobs of the deletion itself read who is named from those texts, and may come later than this.
    """
    named: dict[int, set[str]] = {}
    for photo_id, text in texts:
        named.setdefault(photo_id, set()).update(mentions_in(text))
    jobs = [{"photo_id": photo_id, "names": sorted(names)} for photo_id, names in named.items() if names]
    enqueue_many("notifications.forget_mentions", jobs, on=shard)
