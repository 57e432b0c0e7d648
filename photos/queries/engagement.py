"""Likes and comments of many photos at once: numbers, samples, and "liked by me"."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from psycopg2 import sql

from caching import delete, get_or_load_many
from photos.hashtags import hashtags_in
from sharding import Shard, counters, gather, shard_of, shard_of_object
from sharding.ids import MAX_ID

from .servers import grouped, select_all

ENGAGEMENT_KIND = "engagement:2"
#: Of a photo's likes, how many of the latest are looked through for likers to show first.
LIKERS_CONSIDERED = 50
#: Of the comments with hashtags by a photo's owner, how many of the first give the photo their tags.
OWN_TAGGED_MAX = 50
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
class Engagement:
    """What is shown with a photo: its numbers, some likers, latest first, the latest comments, oldest first, and the
    tags its owner added in comments, whether these are among the latest or not."""

    likes: int
    comments: int
    liker_ids: list[int]
    latest: list[CommentFacts]
    owner_tags: list[str]


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


def engagement_of(
    photo_ids: Iterable[int], *, prefer: Callable[[set[int]], set[int]] | None = None
) -> dict[int, Engagement]:
    """Return what is shown with each photo, SAMPLE_SIZE likers and comments; photos of a lost server are left out.

    prefer: picks of some people those whose likes are shown first; asked once, for the LIKERS_CONSIDERED latest likers
    of each photo. Kept ENGAGEMENT_TTL_S; who writes has it forgotten (forget_engagement).
    Cost: one multi-get; misses three queries per server; and what `prefer` costs.
    """
    found = get_or_load_many(ENGAGEMENT_KIND, photo_ids, _load, ttl_s=settings.ENGAGEMENT_TTL_S)
    candidates = {user_id for facts in found.values() for user_id in facts[2]}
    first = prefer(candidates) if prefer and candidates else set()
    return {
        photo_id: Engagement(
            likes,
            comments,
            # Stable: among equals the latest first, as they came.
            sorted(liker_ids, key=lambda user_id: user_id not in first)[: settings.SAMPLE_SIZE],
            [CommentFacts(comment_id, photo_id, author_id, text) for comment_id, author_id, text in latest],
            owner_tags,
        )
        for photo_id, (likes, comments, liker_ids, latest, owner_tags) in found.items()
    }


def forget_engagement(shard: Shard, photo_id: int) -> None:
    """Have a photo's numbers and samples read anew once the shard's transaction has committed.

    Without a job that repeats it: what a lost delete leaves is old for ENGAGEMENT_TTL_S, which numbers may be.
    """
    shard.on_commit(lambda: delete(ENGAGEMENT_KIND, [photo_id]))


def _load(photo_ids: list[int]) -> dict[int, Any]:
    likers: dict[int, list[int]] = {photo_id: [] for photo_id in photo_ids}
    likes = (
        "SELECT asked.id, likers.user_id FROM unnest(%s) AS asked(id), LATERAL (SELECT user_id FROM {}"
        f" WHERE photo_id = asked.id ORDER BY id DESC LIMIT {LIKERS_CONSIDERED}) AS likers"
    )
    for photo_id, user_id in select_all(likes, ["photos_like"], photo_ids):
        likers[photo_id].append(user_id)
    latest: dict[int, list[list[Any]]] = {photo_id: [] for photo_id in photo_ids}
    own_tagged: dict[int, list[list[Any]]] = {photo_id: [] for photo_id in photo_ids}
    comments = (
        "SELECT c.* FROM unnest(%s) AS asked(id), LATERAL ("
        "(SELECT photo_id, id, author_id, text, true FROM {}"
        f" WHERE photo_id = asked.id AND state = 0 ORDER BY id DESC LIMIT {settings.SAMPLE_SIZE}) UNION ALL "
        # The condition is that of the index photos_comment_own_tags, word for word.
        "(SELECT photo_id, id, author_id, text, false FROM {}"
        " WHERE photo_id = asked.id AND state = 0 AND author_id = owner_id AND text LIKE '%%#%%'"
        f" ORDER BY id LIMIT {OWN_TAGGED_MAX})) AS c"
    )
    for photo_id, *facts, is_sample in select_all(comments, ["photos_comment", "photos_comment"], photo_ids):
        (latest if is_sample else own_tagged)[photo_id].append(facts)
    return {
        photo_id: [
            *numbers,
            likers[photo_id],
            sorted(latest[photo_id]),
            hashtags_in(*(text for _, _, text in sorted(own_tagged[photo_id]))),
        ]
        for photo_id, numbers in counts_of(photo_ids).items()
    }


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


def comments_with_ids(comment_ids: Iterable[int]) -> dict[int, CommentFacts]:
    """Return comments by id; deleted ones, and those of a server that is down, are left out. One query per server."""
    select = "SELECT id, photo_id, author_id, text FROM {} WHERE id = ANY(%s) AND state = 0"
    return {row[0]: CommentFacts(*row) for row in select_all(select, ["photos_comment"], comment_ids)}


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
