"""Following and blocking: the authority with the one whose photos it concerns, a versioned copy with the follower.

The two are on different servers, so no transaction covers both: the authority commits first, with a job that
copies it; then the copy is applied at once, so that the follower sees it, and the job finds it done.
A person's block list and followers share a shard, so that a block and a follow at the same moment meet in one row.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping

from psycopg2 import sql

from accounts.models import Status
from accounts.queries import STANDING_KIND, is_blocked, profiles, requester_ids, standing_id
from caching import delete_after_commit
from instagram.errors import InvalidParameters, NotAllowed, NotFound
from jobs import Again, enqueue
from sharding import Shard, ShardUnavailable, counters, shard_of

#: Requests approved in one run of the task, when an account becomes public.
APPROVE_BATCH = 100

_FOLLOW = {Status.NONE: Status.FOLLOWS, Status.REQUESTED: Status.FOLLOWS}
_ASK = {Status.NONE: Status.REQUESTED}
_APPROVE = {Status.REQUESTED: Status.FOLLOWS}
_IGNORE = {Status.REQUESTED: Status.NONE}
_END = {Status.FOLLOWS: Status.NONE, Status.REQUESTED: Status.NONE}


def follow_user(*, follower_id: int, followee_id: int) -> Status:
    """Follow, or ask to if the account is private; return what the edge says now. Harmless to repeat.

    Raises NotFound (no such user), NotAllowed (one blocked the other), InvalidParameters (oneself).
    """
    _refuse_oneself(follower_id, followee_id, "follow")
    followee = profiles([followee_id]).get(followee_id)
    if followee is None or not followee.is_active:
        raise NotFound(what="user")
    if is_blocked(owner_id=follower_id, other_id=followee_id):
        raise NotAllowed("you blocked this user")
    return _change(follower_id, followee_id, _ASK if followee.is_private else _FOLLOW, refuse_if_blocked=True)


def unfollow_user(*, follower_id: int, followee_id: int) -> Status:
    """Stop following, or withdraw the request. Harmless to repeat."""
    return _change(follower_id, followee_id, _END)


def approve_request(*, owner_id: int, requester_id: int) -> Status:
    """Let somebody who asked follow the owner; without a request nothing changes."""
    return _change(requester_id, owner_id, _APPROVE)


def ignore_request(*, owner_id: int, requester_id: int) -> Status:
    """Drop somebody's request; they are not told."""
    return _change(requester_id, owner_id, _IGNORE)


def approve_all_requests(*, owner_id: int) -> Again | None:
    """Approve what is pending, one batch: the account became public. Safe to repeat."""
    batch = requester_ids(owner_id, limit=APPROVE_BATCH)
    for requester_id in batch:
        approve_request(owner_id=owner_id, requester_id=requester_id)
    return Again() if len(batch) == APPROVE_BATCH else None


def block_user(*, owner_id: int, other_id: int) -> None:
    """Block somebody: both follow edges and requests end, and they see nothing of the owner's. Harmless to repeat.

    Raises InvalidParameters (oneself).
    """
    _refuse_oneself(owner_id, other_id, "block")
    shard = shard_of(owner_id)
    with shard.atomic():
        blocked_now = _set_block(shard, owner_id, other_id, active=True)
        with _locked_edge(shard, other_id, owner_id) as (old, set_to):
            version = set_to(Status.NONE) if old != Status.NONE else None
        if blocked_now:
            # The owner's own follow has its authority with the other, on another server.
            enqueue("accounts.end_follow_of_blocked", on=shard, owner_id=owner_id, other_id=other_id)
    with contextlib.suppress(ShardUnavailable):
        if version is not None:
            apply_copy(other_id, owner_id, Status.NONE, version)
        unfollow_user(follower_id=owner_id, followee_id=other_id)


def unblock_user(*, owner_id: int, other_id: int) -> None:
    """Take a block back; old follows do not come back. Harmless to repeat. Raises InvalidParameters (oneself)."""
    _refuse_oneself(owner_id, other_id, "unblock")
    if is_blocked(owner_id=owner_id, other_id=other_id):
        # First, so that the job of the block finds nothing left to do and cannot end a later follow.
        unfollow_user(follower_id=owner_id, followee_id=other_id)
    shard = shard_of(owner_id)
    with shard.atomic():
        _set_block(shard, owner_id, other_id, active=False)


def end_follow_of_blocked(*, owner_id: int, other_id: int) -> None:
    """End the follow of somebody by whom they blocked, if the block still stands. Safe to repeat."""
    if is_blocked(owner_id=owner_id, other_id=other_id):
        unfollow_user(follower_id=owner_id, followee_id=other_id)


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
        if status == Status.FOLLOWS:
            # Also when the copy said so before: it may have missed an unfollow in between, and photos of that time.
            enqueue("feeds.backfill", on=shard, follower_id=follower_id, followee_id=followee_id)
        elif change:
            enqueue("feeds.remove_author", on=shard, follower_id=follower_id, followee_id=followee_id)
    return True


def _change(
    follower_id: int, followee_id: int, moves: Mapping[Status, Status], *, refuse_if_blocked: bool = False
) -> Status:
    """Move an edge's authority, then its copy; return what the edge says now. A status without a move stays."""
    shard = shard_of(followee_id)
    with shard.atomic(), _locked_edge(shard, follower_id, followee_id) as (old, set_to):
        # Asked under the edge's lock, which a block takes too: either it sees this follow, or we see the block.
        if refuse_if_blocked and is_blocked(owner_id=followee_id, other_id=follower_id):
            raise NotAllowed
        if old not in moves:
            return old
        version = set_to(moves[old])
    # The follower's server may be down: the job copies the edge when it is back.
    with contextlib.suppress(ShardUnavailable):
        apply_copy(follower_id, followee_id, moves[old], version)
    return moves[old]


@contextlib.contextmanager
def _locked_edge(shard: Shard, follower_id: int, followee_id: int) -> Iterator[tuple[Status, Callable[[Status], int]]]:
    """Lock an edge's authority, or the place of one, until the transaction ends.

    Yields its status and a function that changes it, with its count and the job of its copy, and returns the version.
    """
    table = shard.table("accounts_follower")
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO {} (followee_id, follower_id, status, version) VALUES (%s, %s, 'none', 0)"
                " ON CONFLICT (followee_id, follower_id) DO UPDATE SET status = follower.status RETURNING status"
            ).format(sql.SQL("{} AS follower").format(table)),
            [followee_id, follower_id],
        )
        old = Status(cursor.fetchone()[0])

        def set_to(new: Status) -> int:
            cursor.execute(
                sql.SQL(
                    "UPDATE {} SET status = %s, version = local.next_id(%s, %s)"
                    " WHERE followee_id = %s AND follower_id = %s RETURNING version"
                ).format(table),
                [new, shard.number, f"{shard.schema}.clock", followee_id, follower_id],
            )
            version: int = cursor.fetchone()[0]
            change = (new == Status.FOLLOWS) - (old == Status.FOLLOWS)
            if change:
                counters.add(shard, counters.USER_FOLLOWED_BY, followee_id, change)
                delete_after_commit(shard, STANDING_KIND, [standing_id(follower_id, followee_id)])
            facts = {"follower_id": follower_id, "followee_id": followee_id}
            enqueue("accounts.copy_edge", on=shard, **facts)
            approved = (old, new) == (Status.REQUESTED, Status.FOLLOWS)
            enqueue("notifications.note_edge", on=shard, **facts, version=version, approved=approved)
            return version

        yield old, set_to


def _set_block(shard: Shard, owner_id: int, other_id: int, *, active: bool) -> bool:
    """Write a block's authority in the open transaction; True if that changed it."""
    # A person's very first block makes the row; taking back one that never was makes none.
    statement = (
        "INSERT INTO {} AS block (owner_id, blocked_id, active, version)"
        " VALUES (%(owner)s, %(other)s, true, local.next_id(%(shard)s, %(clock)s)) ON CONFLICT (owner_id, blocked_id)"
        " DO UPDATE SET active = true, version = excluded.version WHERE NOT block.active RETURNING true"
        if active
        else "UPDATE {} SET active = false, version = local.next_id(%(shard)s, %(clock)s)"
        " WHERE owner_id = %(owner)s AND blocked_id = %(other)s AND active RETURNING true"
    )
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(statement).format(shard.table("accounts_block")),
            {"owner": owner_id, "other": other_id, "shard": shard.number, "clock": f"{shard.schema}.clock"},
        )
        changed = cursor.fetchone() is not None
    if changed:
        delete_after_commit(shard, STANDING_KIND, [standing_id(other_id, owner_id)])
    return changed


def _refuse_oneself(one: int, other: int, verb: str) -> None:
    if one == other:
        raise InvalidParameters(f"user: you cannot {verb} yourself")
