"""Bells: who wants to know when somebody they follow posts.

A bell is a row on the author's shard that names the version of the follow it hangs on. Whatever ends the follow
(unfollowing, a block by either, leaving) gives the edge another version and the bell is silent, with nothing to do; a
later follow does not bring it back.
"""

from psycopg2 import sql

from instagram.errors import InvalidParameters, NotAllowed
from sharding import Shard, shard_of

#: People a leaving person follows or followed, looked at in one batch.
BATCH = 500


def turn_on(*, follower_id: int, author_id: int) -> None:
    """Ring the follower when the author posts. Harmless to repeat. Raises NotAllowed if they do not follow."""
    if follower_id == author_id:
        raise InvalidParameters("user: this is you")
    shard = shard_of(author_id)
    with shard.cursor() as cursor:
        # From the edge itself, in one statement: an unfollow at the same moment leaves no bell that could ring.
        cursor.execute(
            sql.SQL(
                "INSERT INTO {bell} AS bell (author_id, follower_id, version)"
                " SELECT followee_id, follower_id, version FROM {follower}"
                " WHERE followee_id = %s AND follower_id = %s AND status = 'follows'"
                " ON CONFLICT (author_id, follower_id) DO UPDATE SET version = excluded.version RETURNING true"
            ).format(**_tables(shard)),
            [author_id, follower_id],
        )
        if cursor.fetchone() is None:
            raise NotAllowed("you do not follow this user")


def turn_off(*, follower_id: int, author_id: int) -> None:
    """Ring no more for this author. Harmless to repeat."""
    shard = shard_of(author_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("DELETE FROM {bell} WHERE author_id = %s AND follower_id = %s").format(**_tables(shard)),
            [author_id, follower_id],
        )


def is_on(*, follower_id: int, author_id: int) -> bool:
    """Return whether the bell rings. Cost: one query on the author's shard."""
    return bool(ringing(author_id, after=follower_id - 1, limit=1)[:1] == [follower_id])


def ringing(author_id: int, *, after: int, limit: int) -> list[int]:
    """Return followers whose bell is on, by id, after one of them. Cost: one query on the author's shard, by key."""
    shard = shard_of(author_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT bell.follower_id FROM {bell} AS bell JOIN {follower} AS edge"
                " ON edge.followee_id = bell.author_id AND edge.follower_id = bell.follower_id"
                " AND edge.version = bell.version AND edge.status = 'follows'"
                " WHERE bell.author_id = %s AND bell.follower_id > %s ORDER BY bell.follower_id LIMIT %s"
            ).format(**_tables(shard)),
            [author_id, after, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def turned_on(user_id: int) -> list[int]:
    """Return the authors whose bell a person has on. Cost: one query for each person they follow: for archives."""
    found, after = [], -1
    while batch := _followed(user_id, after=after):
        found += [author_id for author_id in batch if is_on(follower_id=user_id, author_id=author_id)]
        after = batch[-1]
    return found


def erase(user_id: int, *, after: int) -> tuple[int, int | None]:
    """Delete a leaving person's bells, those they turned on and those on them, a batch at a time. Safe to repeat.

    after: followee id. Returns how many were looked at, and where the next batch begins (None: nowhere).
    """
    shard = shard_of(user_id)
    with shard.cursor() as cursor:
        cursor.execute(sql.SQL("DELETE FROM {bell} WHERE author_id = %s").format(**_tables(shard)), [user_id])
    batch = _followed(user_id, after=after)
    for author_id in batch:
        turn_off(follower_id=user_id, author_id=author_id)
    return len(batch), batch[-1] if len(batch) == BATCH else None


def _followed(user_id: int, *, after: int) -> list[int]:
    """Return people somebody follows or ever followed, by id, after one of them."""
    shard = shard_of(user_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT followee_id FROM {} WHERE follower_id = %s AND followee_id > %s ORDER BY followee_id LIMIT %s"
            ).format(shard.table("accounts_following")),
            [user_id, after, BATCH],
        )
        return [row[0] for row in cursor.fetchall()]


def _tables(shard: Shard) -> dict[str, sql.Identifier]:
    return {"bell": shard.table("notifications_bell"), "follower": shard.table("accounts_follower")}
