"""Reading one's News: entries on one's own shard, then what they speak of, in bulk. Nothing here writes.

What must not be shown is left out on the way: people who are away, blocked or blocking, photos that are gone or whose
owners do not show them to the reader, deleted comments. Each page costs the same few round trips however long it is.
"""

import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from psycopg2 import sql

from accounts import visibility
from accounts.queries import Profile, blocked_among
from instagram.errors import NotFound
from photos.queries import PhotoBody, bodies, body_of, comments_with_ids
from photos.queries.engagement import CommentFacts
from sharding import shard_of
from sharding.ids import MAX_ID, created_time_of, first_id_at

from .models import Entry

#: Unseen entries counted at most: a badge need not know more.
UNSEEN_MAX = 100


@dataclass(frozen=True, slots=True)
class News:
    """An entry with what it speaks of, for a reader who may see all of it.

    comment_text: of the comment; of a mention without a comment id the photo's caption is meant.
    """

    entry: Entry
    actor: Profile
    photo: PhotoBody | None
    comment: CommentFacts | None
    seen: bool


@dataclass(frozen=True, slots=True)
class NewsPage:
    """A page, newest first, and the id below which the next one begins (None: there is none)."""

    news: list[News]
    next_max_id: int | None


def news_page(user_id: int, *, below: int | None = None, count: int = 20) -> NewsPage:
    """Return a page of somebody's News. What is not to be shown is left out; the cursor counts it.

    below: exclusive cursor. Cost: one query on the person's shard; photos, people and standings a multi-get each;
    texts of comments one query per server. Raises ShardUnavailable.
    """
    entries, seen_id = _entries(user_id, below=MAX_ID if below is None else below, above=0, count=count + 1)
    page = entries[:count]
    return NewsPage(shown(user_id, page, seen_id=seen_id), page[-1].id if len(entries) > count else None)


def unseen_count(user_id: int) -> int:
    """Return how many entries a person has not seen, of those they would be shown; UNSEEN_MAX at most.

    Cost: as news_page(). Raises ShardUnavailable.
    """
    entries, _ = _entries(user_id, below=MAX_ID, above=None, count=UNSEEN_MAX)
    return len(shown(user_id, entries, seen_id=0))


def news_with_ids(user_id: int, activity_ids: Sequence[int]) -> list[News]:
    """Return some entries of somebody's News, newest first, without those that are undone, gone, or not to be shown.

    Cost: as news_page(). Raises Unavailable when what an entry speaks of cannot be asked for now.
    """
    entries, _ = _entries(user_id, below=MAX_ID, above=0, count=len(activity_ids), ids=activity_ids)
    found = shown(user_id, entries, seen_id=0)
    missing = {entry.id for entry in entries}.difference(news.entry.id for news in found)
    for entry in entries:
        if entry.id in missing and entry.photo_id is not None:
            # Left out for good, or because a server is away: that would be heard of here.
            with contextlib.suppress(NotFound):
                body_of(entry.photo_id)
    if not found:
        # Of several, those who can be named are enough; of none, a server may be away.
        visibility.whole_sight_of(user_id, {entry.actor_id for entry in entries})
    return found


def shown(user_id: int, entries: Sequence[Entry], *, seen_id: int) -> list[News]:
    """Return entries with what they speak of, without those the reader may not see.

    Cost: see news_page(); with photos of others (mentions) one query more on the reader's shard.
    """
    photos = bodies({entry.photo_id for entry in entries if entry.photo_id is not None})
    comments = comments_with_ids(entry.comment_id for entry in entries if entry.comment_id is not None)
    owners = {photo.author_id for photo in photos.values()}
    sight = visibility.sight_of(user_id, {entry.actor_id for entry in entries} | owners)
    # At whose photos nobody is told of anything; entries by whom they blocked were left out before.
    others = owners - {user_id}
    blocked = blocked_among(user_id, others) if others else set()

    def may_show(photo: PhotoBody) -> bool:
        return photo.author_id not in blocked and sight.may_see(photo.author_id)

    news = []
    for entry in entries:
        photo = None if entry.photo_id is None else photos.get(entry.photo_id)
        comment = None if entry.comment_id is None else comments.get(entry.comment_id)
        whole = (photo or entry.photo_id is None) and (comment or entry.comment_id is None)
        if whole and sight.may_name(entry.actor_id) and (photo is None or may_show(photo)):
            news.append(News(entry, sight.people[entry.actor_id], photo, comment, entry.id <= seen_id))
    return news


def oldest_shown() -> int:
    """Return the id at which ACTIVITY_DAYS ago begins."""
    return first_id_at(max(0.0, time.time() - settings.ACTIVITY_DAYS * 86_400))


def _entries(
    user_id: int, *, below: int, above: int | None, count: int, ids: Sequence[int] | None = None
) -> tuple[list[Entry], int]:
    """Return a person's entries, newest first, and the id up to which they saw them.

    above None: only unseen ones. ids: none but these.
    """
    shard = shard_of(user_id)
    query = sql.SQL(
        "WITH seen AS (SELECT coalesce((SELECT entry_id FROM {seen} WHERE user_id = %(user)s), 0) AS id)"
        " SELECT entry.id, kind, actor_id, photo_id, comment_id, seen.id FROM seen, {activity} AS entry"
        " WHERE entry.user_id = %(user)s AND entry.active AND entry.id < %(below)s"
        " AND entry.id > greatest(coalesce(%(above)s, seen.id), %(oldest)s)"
        " AND (%(ids)s::bigint[] IS NULL OR entry.id = ANY(%(ids)s::bigint[]))"
        " AND NOT EXISTS (SELECT FROM {block} WHERE owner_id = %(user)s AND blocked_id = entry.actor_id AND active)"
        " ORDER BY entry.id DESC LIMIT %(count)s"
    ).format(
        seen=shard.table("notifications_seen"),
        activity=shard.table("notifications_activity"),
        block=shard.table("accounts_block"),
    )
    bounds = {"below": below, "above": above, "oldest": oldest_shown(), "count": count}
    with shard.cursor() as cursor:
        cursor.execute(query, {"user": user_id, "ids": None if ids is None else list(ids)} | bounds)
        rows = cursor.fetchall()
    return [_entry(user_id, row[:5]) for row in rows], rows[0][5] if rows else 0


def _entry(user_id: int, row: Iterable[Any]) -> Entry:
    entry_id, kind, actor_id, photo_id, comment_id = row
    return Entry(entry_id, user_id, kind, actor_id, photo_id, comment_id, created_time_of(entry_id))
