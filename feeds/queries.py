"""Reading the home feed."""

from dataclasses import dataclass

from django.conf import settings
from psycopg2 import sql

from accounts.queries import followee_ids
from sharding import shard_of
from sharding.ids import MAX_ID

from .pull import newest_photos

#: Seconds after which a rebuild that was asked for is asked for again.
REBUILD_AGAIN_S = 600


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Photo ids with their authors, newest first, and the id below which the next page begins (None: no more).

    visit_is_news: the reader's last noted visit is long ago. rebuild: the first page was not in the inbox.
    """

    photos: list[tuple[int, int]]
    next_max_id: int | None
    visit_is_news: bool = False
    rebuild: bool = False


def home_feed(viewer_id: int, *, max_id: int | None = None, min_id: int | None = None, count: int = 20) -> FeedPage:
    """Return one page of the viewer's home feed: their own photos and those of whom they follow now.

    max_id, min_id: exclusive cursors. The join with `following` makes an unfollow instant; the viewer's own photos come
    from their table, on the same shard, so that they are there when the upload's answer is.
    Cost: one query on the viewer's shard. Where the inbox is not complete (past its end, or its reader was away for
    long) one more there, and newest_photos() on the shards of those they follow; of servers that are away the photos
    are left out. Raises ShardUnavailable.
    """
    below, above = MAX_ID if max_id is None else max_id, min_id or 0
    inbox = _inbox(viewer_id, below, above, count + 1)
    rows, complete_above, whole = inbox.rows, inbox.complete_above, True
    touched = complete_above > above and sum(photo_id > complete_above for photo_id, _ in rows) <= count
    if touched:
        # Its own photos are in the rows already; ids are made once, so both sources meet without a double.
        pulled = newest_photos(
            followee_ids(viewer_id), below=min(below, complete_above + 1), above=above, count=count + 1
        )
        rows, whole = sorted({*rows, *pulled.photos}, reverse=True)[: count + 1], pulled.whole
    page = rows[:count]
    # Without a server nobody knows whether there is more: only an empty page is the end then.
    leads_on = len(rows) > count or (bool(page) and not whole)
    return FeedPage(
        page,
        page[-1][0] if leads_on else None,
        visit_is_news=inbox.visit_is_news,
        rebuild=touched and max_id is None and min_id is None and inbox.may_ask,
    )


@dataclass(frozen=True, slots=True)
class _Inbox:
    """What the viewer's shard has of a page: rows, newest first, and what it says of its reader."""

    rows: list[tuple[int, int]]
    complete_above: int = 0
    visit_is_news: bool = True
    may_ask: bool = True


def _inbox(viewer_id: int, below: int, above: int, most: int) -> _Inbox:
    """Read a page's rows and the reader's row, in one query."""
    shard = shard_of(viewer_id)
    # The row without a photo is the reader's. Three parts cost less to plan than joins, on each page of everybody.
    query = sql.SQL(
        "(SELECT inbox.photo_id, inbox.author_id, NULL::boolean, NULL::boolean FROM {inbox} AS inbox"
        " JOIN {following} AS following ON following.follower_id = inbox.user_id"
        " AND following.followee_id = inbox.author_id AND following.status = 'follows'"
        " WHERE inbox.user_id = %(viewer)s AND inbox.photo_id < %(below)s AND inbox.photo_id > %(above)s"
        " ORDER BY inbox.photo_id DESC LIMIT %(most)s)"
        " UNION ALL"
        " (SELECT id, author_id, NULL, NULL FROM {photo} WHERE author_id = %(viewer)s AND state = 0"
        " AND id < %(below)s AND id > %(above)s ORDER BY id DESC LIMIT %(most)s)"
        " UNION ALL"
        " SELECT NULL, complete_above, asleep OR seen_at < now() - %(noted)s * interval '1 second',"
        " coalesce(rebuild_asked_at < now() - %(again)s * interval '1 second', true)"
        " FROM {reader} WHERE user_id = %(viewer)s"
    ).format(
        reader=shard.table("feeds_reader"),
        inbox=shard.table("feeds_inbox"),
        following=shard.table("accounts_following"),
        photo=shard.table("photos_photo"),
    )
    with shard.cursor() as cursor:
        cursor.execute(
            query,
            {
                "viewer": viewer_id,
                "below": below,
                "above": above,
                "most": most,
                "noted": settings.VISIT_NOTED_EVERY_S,
                "again": REBUILD_AGAIN_S,
            },
        )
        found = cursor.fetchall()
    rows = sorted({(photo_id, author_id) for photo_id, author_id, *_ in found if photo_id is not None}, reverse=True)
    reader = next((row[1:] for row in found if row[0] is None), ())
    return _Inbox(rows[:most], *reader)
