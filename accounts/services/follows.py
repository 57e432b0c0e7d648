"""Following: the authority on the followee's side, a versioned copy on the follower's, repaired by the outbox.

The two are on different servers, so no transaction covers both: the authority commits first, with a job that
copies it; then the copy is applied at once, so that the follower sees it, and the job finds it done.
"""

import contextlib

from psycopg2 import sql

from accounts.models import Status
from accounts.queries import is_blocked, profiles
from instagram.errors import InvalidParameters, NotAllowed, NotFound
from jobs import enqueue
from sharding import ShardUnavailable, counters, shard_of


def follow_user(*, follower_id: int, followee_id: int) -> Status:
    """Follow, or ask to if the account is private; return what the edge says now. Harmless to repeat.

    Raises NotFound (no such user), NotAllowed (blocked), InvalidParameters (oneself).
    """
    if follower_id == followee_id:
        raise InvalidParameters("you cannot follow yourself")
    followee = profiles([followee_id]).get(followee_id)
    if followee is None or not followee.is_active:
        raise NotFound(what="user")
    if is_blocked(owner_id=followee_id, other_id=follower_id):
        raise NotAllowed
    wanted = Status.REQUESTED if followee.is_private else Status.FOLLOWS
    return _change(follower_id, followee_id, wanted, keep={Status.FOLLOWS, wanted})


def unfollow_user(*, follower_id: int, followee_id: int) -> Status:
    """Stop following, or withdraw the request. Harmless to repeat."""
    return _change(follower_id, followee_id, Status.NONE, keep={Status.NONE})


def copy_edge(*, follower_id: int, followee_id: int) -> None:
    """Bring the follower's copy up to the authority. Safe to repeat, in any order: only newer versions apply."""
    authority = shard_of(followee_id)
    with authority.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT status, version FROM {} WHERE followee_id = %s AND follower_id = %s").format(
                authority.table("accounts_follower")
            ),
            [followee_id, follower_id],
        )
        row = cursor.fetchone()
    if row is not None:
        apply_copy(follower_id, followee_id, Status(row[0]), row[1])


def apply_copy(follower_id: int, followee_id: int, status: Status, version: int) -> bool:
    """Write the copy if it is newer than what is there; True if so. Feeds are told in the same transaction."""
    shard = shard_of(follower_id)
    table = shard.table("accounts_following")
    with shard.atomic(), shard.cursor() as cursor:
        # Locks the row, or the place of one: two copies of one edge go one after the other.
        cursor.execute(
            sql.SQL(
                "INSERT INTO {} (follower_id, followee_id, status, version) VALUES (%s, %s, 'none', -1)"
                " ON CONFLICT (follower_id, followee_id) DO UPDATE SET status = following.status"
                " RETURNING status, version"
            ).format(sql.SQL("{} AS following").format(table)),
            [follower_id, followee_id],
        )
        old_status, old_version = cursor.fetchone()
        if old_version >= version:
            return False
        cursor.execute(
            sql.SQL("UPDATE {} SET status = %s, version = %s WHERE follower_id = %s AND followee_id = %s").format(
                table
            ),
            [status, version, follower_id, followee_id],
        )
        change = (status == Status.FOLLOWS) - (old_status == Status.FOLLOWS)
        if change:
            counters.add(shard, counters.USER_FOLLOWS, follower_id, change)
            task = "feeds.backfill" if change > 0 else "feeds.remove_author"
            enqueue(task, on=shard, follower_id=follower_id, followee_id=followee_id)
    return True


def _change(follower_id: int, followee_id: int, wanted: Status, *, keep: set[Status]) -> Status:
    shard = shard_of(followee_id)
    table = shard.table("accounts_follower")
    with shard.atomic(), shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO {} (followee_id, follower_id, status, version) VALUES (%s, %s, 'none', 0)"
                " ON CONFLICT (followee_id, follower_id) DO UPDATE SET status = follower.status RETURNING status"
            ).format(sql.SQL("{} AS follower").format(table)),
            [followee_id, follower_id],
        )
        old = Status(cursor.fetchone()[0])
        if old in keep:
            return old
        cursor.execute(
            sql.SQL(
                "UPDATE {} SET status = %s, version = local.next_id(%s, %s) WHERE followee_id = %s AND follower_id = %s"
                " RETURNING version"
            ).format(table),
            [wanted, shard.number, f"{shard.schema}.clock", followee_id, follower_id],
        )
        (version,) = cursor.fetchone()
        change = (wanted == Status.FOLLOWS) - (old == Status.FOLLOWS)
        if change:
            counters.add(shard, counters.USER_FOLLOWED_BY, followee_id, change)
        enqueue("accounts.copy_edge", on=shard, follower_id=follower_id, followee_id=followee_id)
    # The follower's server may be down: the job copies the edge when it is back.
    with contextlib.suppress(ShardUnavailable):
        apply_copy(follower_id, followee_id, wanted, version)
    return wanted
