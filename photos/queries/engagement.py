"""Likes and comments of many photos at once: numbers, samples, and "liked by me"."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from psycopg2 import sql

from sharding import counters, gather, shard_of, shard_of_object

from .servers import grouped, select_all

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


def samples_of(photo_ids: Iterable[int], *, preferred_ids: set[int] | None = None) -> dict[int, Samples]:
    """Return likers and comments to show, SAMPLE_SIZE of each. preferred_ids: likers to show before others.

    Cost: two queries per server.
    """
    ids = list(photo_ids)
    samples = {photo_id: Samples() for photo_id in ids}
    preferred = f"ARRAY[{','.join(str(int(i)) for i in sorted(preferred_ids or ()))}]::bigint[]"
    likes = (  # names of ours and numbers alone
        "SELECT asked.id, likers.user_id FROM unnest(%s) AS asked(id), LATERAL (SELECT user_id, id FROM {}"
        f" WHERE photo_id = asked.id ORDER BY user_id = ANY({preferred}) DESC, id DESC LIMIT {settings.SAMPLE_SIZE}"
        ") AS likers"
    )
    for photo_id, user_id in select_all(likes, ["photos_like"], ids):
        samples[photo_id].liker_ids.append(user_id)
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
