"""Reads about people and who follows whom. None writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from psycopg2 import sql

from caching import get_or_load_many
from sharding import counters, shard_of

from .models import Status, User

#: Decides who may see what (is_private, is_active), so it lives CACHE_PERMISSION_TTL_S at most.
PROFILE_KIND = "user:1"
_PROFILE_FIELDS = ("id", "username", "full_name", "picture", "bio", "website", "is_private", "is_active")


@dataclass(frozen=True, slots=True)
class Profile:
    """What everybody may know of a person. picture: stem of the renditions, or empty."""

    id: int
    username: str
    full_name: str
    picture: str
    bio: str
    website: str
    is_private: bool
    is_active: bool


@dataclass(frozen=True, slots=True)
class Relationship:
    """How two people stand: outgoing is me to them, incoming them to me."""

    outgoing: Status
    incoming: Status
    blocked_by_me: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a follow list: ids, latest first, and where the next page begins (None: nowhere)."""

    user_ids: list[int]
    next_cursor: int | None


def profiles(user_ids: Iterable[int]) -> dict[int, Profile]:
    """Return profiles by id; unknown ids are left out. Cost: one multi-get, misses one query on main."""
    return {
        user_id: Profile(*(facts[name] for name in _PROFILE_FIELDS))
        for user_id, facts in get_or_load_many(
            PROFILE_KIND, user_ids, _load_profiles, ttl_s=settings.CACHE_PERMISSION_TTL_S
        ).items()
    }


def _load_profiles(user_ids: list[int]) -> dict[int, Any]:
    return {row["id"]: row for row in User.objects.filter(id__in=user_ids).values(*_PROFILE_FIELDS)}


def counts_of(user_id: int) -> dict[str, int]:
    """Return the numbers on a profile: media, follows, followed_by. Cost: one query on the person's shard."""
    kinds = {
        "media": counters.USER_MEDIA,
        "follows": counters.USER_FOLLOWS,
        "followed_by": counters.USER_FOLLOWED_BY,
    }
    found = counters.read(shard_of(user_id), kinds.values(), [user_id])
    return {name: found[kind, user_id] for name, kind in kinds.items()}


def relationship(viewer_id: int, other_id: int) -> Relationship:
    """Return how two people stand, from the authorities. Cost: three queries on two shards."""
    return Relationship(
        outgoing=edge(follower_id=viewer_id, followee_id=other_id),
        incoming=edge(follower_id=other_id, followee_id=viewer_id),
        blocked_by_me=is_blocked(owner_id=viewer_id, other_id=other_id),
    )


def edge(*, follower_id: int, followee_id: int) -> Status:
    """Return what the authority says of an edge. Cost: one query on the followee's shard."""
    return statuses_of(follower_id, [followee_id]).get(followee_id, Status.NONE)


def statuses_of(follower_id: int, followee_ids: Iterable[int]) -> dict[int, Status]:
    """Return the authority's status of one follower's edges, where there is one. Cost: one query per server."""
    rows = _on_each_server(
        followee_ids,
        "SELECT followee_id, status FROM {} WHERE followee_id = ANY(%s) AND follower_id = %s",
        "accounts_follower",
        follower_id,
    )
    return {followee_id: Status(status) for followee_id, status in rows}


def is_blocked(*, owner_id: int, other_id: int) -> bool:
    """Return whether the owner blocked the other. Cost: one query on the owner's shard."""
    return bool(blockers_of(other_id, [owner_id]))


def blockers_of(user_id: int, owner_ids: Iterable[int]) -> set[int]:
    """Return who of the owners blocked the user. Cost: one query per server."""
    rows = _on_each_server(
        owner_ids,
        "SELECT owner_id FROM {} WHERE owner_id = ANY(%s) AND blocked_id = %s AND active",
        "accounts_block",
        user_id,
    )
    return {owner_id for (owner_id,) in rows}


def follower_batch(author_id: int, *, shard_numbers: list[int], after: tuple[int, int] | None, limit: int) -> list[int]:
    """Return followers who live on the given logical shards, ordered by (logical shard, id), for a fan-out.

    after: (logical shard, follower id) of the last one of the batch before. Cost: one query on the author's shard.
    """
    shard = shard_of(author_id)
    key = sql.SQL("(follower_id %% {})").format(sql.Literal(settings.LOGICAL_SHARDS))
    query = sql.SQL(
        "SELECT follower_id FROM {table} WHERE followee_id = %s AND status = 'follows'"
        " AND {key} BETWEEN %s AND %s AND {key} = ANY(%s) AND ({key}, follower_id) > (%s, %s)"
        " ORDER BY {key}, follower_id LIMIT %s"
    ).format(table=shard.table("accounts_follower"), key=key)
    last_shard, last_id = after or (-1, -1)
    bounds = [max(min(shard_numbers), last_shard), max(shard_numbers)]
    with shard.cursor() as cursor:
        cursor.execute(query, [author_id, *bounds, shard_numbers, last_shard, last_id, limit])
        return [row[0] for row in cursor.fetchall()]


def follows_page(user_id: int, *, cursor: int | None, count: int) -> Page:
    """Return whom a person follows, latest first. Cost: one query on the person's shard."""
    return _edge_page("accounts_following", "follower_id", "followee_id", user_id, before=cursor, count=count)


def followers_page(user_id: int, *, cursor: int | None, count: int) -> Page:
    """Return who follows a person, latest first. Cost: one query on the person's shard."""
    return _edge_page("accounts_follower", "followee_id", "follower_id", user_id, before=cursor, count=count)


def _edge_page(table: str, mine: str, theirs: str, user_id: int, *, before: int | None, count: int) -> Page:
    shard = shard_of(user_id)
    query = sql.SQL(
        "SELECT {theirs}, version FROM {table} WHERE {mine} = %s AND status = 'follows' AND version < %s"
        " ORDER BY version DESC LIMIT %s"
    ).format(theirs=sql.Identifier(theirs), mine=sql.Identifier(mine), table=shard.table(table))
    with shard.cursor() as cursor:
        cursor.execute(query, [user_id, 2**63 - 1 if before is None else before, count + 1])
        rows = cursor.fetchall()
    page = rows[:count]
    return Page([user for user, _ in page], page[-1][1] if len(rows) > count else None)


def _on_each_server(owner_ids: Iterable[int], select: str, table: str, argument: int) -> list[tuple[Any, ...]]:
    """Run one SELECT over the owners' shards, as one UNION ALL per server."""
    servers: dict[Any, dict[Any, list[int]]] = {}
    for owner_id in set(owner_ids):
        shard = shard_of(owner_id)
        servers.setdefault(shard.server, {}).setdefault(shard, []).append(owner_id)
    rows: list[tuple[Any, ...]] = []
    for server, shards in servers.items():
        selects = [sql.SQL(select).format(shard.table(table)) for shard in shards]
        arguments = [value for ids in shards.values() for value in (ids, argument)]
        with server.cursor() as cursor:
            cursor.execute(sql.SQL(" UNION ALL ").join(selects), arguments)
            rows += cursor.fetchall()
    return rows
