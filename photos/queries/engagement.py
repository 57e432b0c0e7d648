"""Likes and comments of many photos at once: numbers, samples, and "liked by me"."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.conf import settings
from psycopg2 import sql

from sharding import counters, gather, shard_of, shard_of_object
from sharding.ids import MAX_ID

from .servers import grouped, select_all

#: Of a photo's likes, how many of the latest are looked through for likers to show first.
LIKERS_CONSIDERED = 50
#: Most likers or comments in one answer.
LIST_MAX = 1_000


@dataclass(frozen=True, slots=True)
class CommentFacts:
    """A comment as lists show it."""

    id: int
    photo_id: int
    author_id: int
    text: str


@dataclass(slots=True)
class Samples:
    """What is shown with a photo: some likers, latest first, and the latest comments, oldest first."""

    liker_ids: list[int] = field(default_factory=list)
    comments: list[CommentFacts] = field(default_factory=list)


def counts_of(photo_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return {photo id: (likes, comments)}, exact. Cost: one query per server; unreadable ones are left out."""
    kinds = [counters.PHOTO_LIKES, counters.PHOTO_COMMENTS]
    groups = grouped(photo_ids)
    numbers = gather(groups, lambda _, shards: counters.read_many(shards, kinds))
    return {
        i: (found[counters.PHOTO_LIKES, i], found[counters.PHOTO_COMMENTS, i])
        for server, found in numbers.items()
        for ids in groups[server].values()
        for i in ids
    }


def samples_of(photo_ids: Iterable[int], *, prefer: Callable[[set[int]], set[int]] | None = None) -> dict[int, Samples]:
    """Return likers and comments to show, SAMPLE_SIZE of each.

    prefer: picks of some people those whose likes are shown first; asked once, for the LIKERS_CONSIDERED latest likers
    of each photo. Cost: two queries per server, and what `prefer` costs.
    """
    ids = list(photo_ids)
    samples = {photo_id: Samples() for photo_id in ids}
    considered = LIKERS_CONSIDERED if prefer else settings.SAMPLE_SIZE
    likes = (
        "SELECT asked.id, likers.user_id FROM unnest(%s) AS asked(id), LATERAL (SELECT user_id FROM {}"
        f" WHERE photo_id = asked.id ORDER BY id DESC LIMIT {considered}) AS likers"
    )
    for photo_id, user_id in select_all(likes, ["photos_like"], ids):
        samples[photo_id].liker_ids.append(user_id)
    candidates = {user_id for sample in samples.values() for user_id in sample.liker_ids}
    first = prefer(candidates) if prefer and candidates else set()
    for sample in samples.values():
        # Stable: among equals the latest first, as they came.
        sample.liker_ids = sorted(sample.liker_ids, key=lambda user_id: user_id not in first)[: settings.SAMPLE_SIZE]
    comments = (
        "SELECT c.id, c.photo_id, c.author_id, c.text FROM unnest(%s) AS asked(id), LATERAL (SELECT * FROM {}"
        f" WHERE photo_id = asked.id AND state = 0 ORDER BY id DESC LIMIT {settings.SAMPLE_SIZE}) AS c"
    )
    for row in select_all(comments, ["photos_comment"], ids):
        samples[row[1]].comments.append(CommentFacts(*row))
    for sample in samples.values():
        sample.comments.sort(key=lambda comment: comment.id)
    return samples


def liked_by(viewer_id: int, photo_ids: Iterable[int]) -> set[int]:
    """Return which of the photos the viewer likes. Cost: one query on the viewer's shard."""
    shard = shard_of(viewer_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT photo_id FROM {} WHERE user_id = %s AND photo_id = ANY(%s) AND active").format(
                shard.table("photos_liked")
            ),
            [viewer_id, list(photo_ids)],
        )
        return {row[0] for row in cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class LikedPage:
    """Photo ids in order of liking, latest first, and the like below which the next page begins (None: no more)."""

    photo_ids: list[int]
    next_cursor: int | None


def liked_page(user_id: int, *, below: int | None, count: int) -> LikedPage:
    """Return what a person likes. below: exclusive cursor, a like's id. Cost: one query on the person's shard."""
    shard = shard_of(user_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT photo_id, like_id FROM {} WHERE user_id = %s AND active AND like_id < %s"
                " ORDER BY like_id DESC LIMIT %s"
            ).format(shard.table("photos_liked")),
            [user_id, MAX_ID if below is None else below, count + 1],
        )
        rows = cursor.fetchall()
    page = rows[:count]
    return LikedPage([photo_id for photo_id, _ in page], page[-1][1] if len(rows) > count else None)


def likers_of(photo_id: int) -> list[int]:
    """Return who likes a photo, latest first, at most LIST_MAX. Cost: one query on the photo's shard."""
    shard = shard_of_object(photo_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT user_id FROM {} WHERE photo_id = %s ORDER BY id DESC LIMIT %s").format(
                shard.table("photos_like")
            ),
            [photo_id, LIST_MAX],
        )
        return [row[0] for row in cursor.fetchall()]


def comment_author_of(photo_id: int, comment_id: int) -> int | None:
    """Return who wrote a comment under a photo, None if it is not there. Cost: one query on the photo's shard."""
    shard = shard_of_object(photo_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT author_id FROM {} WHERE id = %s AND photo_id = %s AND state = 0").format(
                shard.table("photos_comment")
            ),
            [comment_id, photo_id],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def comments_of(photo_id: int) -> list[CommentFacts]:
    """Return a photo's comments, oldest first, at most LIST_MAX. Cost: one query on the photo's shard."""
    shard = shard_of_object(photo_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT id, photo_id, author_id, text FROM {} WHERE photo_id = %s AND state = 0 ORDER BY id LIMIT %s"
            ).format(shard.table("photos_comment")),
            [photo_id, LIST_MAX],
        )
        return [CommentFacts(*row) for row in cursor.fetchall()]
