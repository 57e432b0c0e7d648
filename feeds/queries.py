"""Reading the home feed."""

from dataclasses import dataclass

from psycopg2 import sql

from sharding import shard_of
from sharding.ids import MAX_ID


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Photo ids with their authors, newest first, and the id below which the next page begins (None: no more)."""

    photos: list[tuple[int, int]]
    next_max_id: int | None


def home_feed(viewer_id: int, *, max_id: int | None = None, min_id: int | None = None, count: int = 20) -> FeedPage:
    """Return one page of the viewer's home feed: their own photos and those of whom they follow now.

    max_id, min_id: exclusive cursors. The join with `following` makes an unfollow instant; the viewer's own photos come
    from their table, on the same shard, so that they are there when the upload's answer is.
    Cost: one query on the viewer's shard. Raises ShardUnavailable.
    """
    shard = shard_of(viewer_id)
    query = sql.SQL(
        "(SELECT inbox.photo_id, inbox.author_id FROM {inbox} AS inbox"
        " JOIN {following} AS following ON following.follower_id = inbox.user_id"
        " AND following.followee_id = inbox.author_id AND following.status = 'follows'"
        " WHERE inbox.user_id = %(viewer)s AND inbox.photo_id < %(below)s AND inbox.photo_id > %(above)s"
        " ORDER BY inbox.photo_id DESC LIMIT %(most)s)"
        " UNION"
        " (SELECT id, author_id FROM {photo} WHERE author_id = %(viewer)s AND state = 0"
        " AND id < %(below)s AND id > %(above)s ORDER BY id DESC LIMIT %(most)s)"
        " ORDER BY 1 DESC LIMIT %(most)s"
    ).format(
        inbox=shard.table("feeds_inbox"),
        following=shard.table("accounts_following"),
        photo=shard.table("photos_photo"),
    )
    with shard.cursor() as cursor:
        cursor.execute(
            query,
            {
                "viewer": viewer_id,
                "below": MAX_ID if max_id is None else max_id,
                "above": 0 if min_id is None else min_id,
                "most": count + 1,
            },
        )
        rows = cursor.fetchall()
    page = rows[:count]
    return FeedPage(page, page[-1][0] if len(rows) > count else None)
