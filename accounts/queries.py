"""Reads about people and who follows whom. None writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from psycopg2 import sql

from caching import get_or_load_many
from sharding import Server, Shard, counters, gather, main_server, shard_of

from .models import Status, User
from .reserved import BOT_PREFIX

#: Decides who may see what (is_private, is_active), so it lives CACHE_PERMISSION_TTL_S at most.
PROFILE_KIND = "user:1"
#: What an account's owner lets somebody see; id: standing_id(). It decides permission, too.
STANDING_KIND = "standing:1"
_PROFILE_FIELDS = ("id", "username", "full_name", "picture", "bio", "website", "is_private", "is_active")


@dataclass(frozen=True, slots=True)
class Profile:
    """What everybody may know of a person.

    picture: stem of the renditions, or empty. is_active: neither deactivated by themselves nor suspended by us.
    """

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
class Standing:
    """What the owner of an account decided about a viewer."""

    blocked: bool
    follows: bool


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
    rows = User.objects.filter(id__in=user_ids).values(*_PROFILE_FIELDS, "deactivated_at")
    return {row["id"]: row | {"is_active": row["is_active"] and row.pop("deactivated_at") is None} for row in rows}


def joined_at(user_id: int) -> float:
    """Return when somebody signed up, epoch seconds; 0 for nobody. Cost: one get; a miss a query on main."""

    def load(missing: list[int]) -> dict[int, Any]:
        rows = User.objects.filter(id__in=missing).values_list("id", "date_joined")
        return {pk: joined.timestamp() for pk, joined in rows}

    # It never changes.
    return float(get_or_load_many("joined:1", [user_id], load, ttl_s=settings.CACHE_TTL_S).get(user_id, 0.0))


def about_how_many() -> int:
    """Return how many people there are, as main's planner believes. Cost: one query on main's catalogue."""
    with main_server().cursor() as cursor:
        cursor.execute(
            "SELECT greatest(reltuples, pg_stat_get_live_tuples(oid), 0)::bigint FROM pg_class"
            " WHERE oid = %s::regclass",
            [User._meta.db_table],
        )
        return int(cursor.fetchone()[0])


def people_by_shard() -> dict[int, int]:
    """Return how many people live on each logical shard that has any; bots are none. Cost: reads all rows of people."""
    with main_server().cursor() as cursor:
        cursor.execute(
            "SELECT id %% %s, count(*) FROM accounts_user WHERE NOT starts_with(username, %s) GROUP BY 1",
            [settings.LOGICAL_SHARDS, BOT_PREFIX],
        )
        return dict(cursor.fetchall())


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
    shard = shard_of(followee_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT status FROM {} WHERE followee_id = %s AND follower_id = %s").format(
                shard.table("accounts_follower")
            ),
            [followee_id, follower_id],
        )
        row = cursor.fetchone()
    return Status(row[0]) if row else Status.NONE


def is_blocked(*, owner_id: int, other_id: int) -> bool:
    """Return whether the owner blocked the other. Cost: one query on the owner's shard."""
    shard = shard_of(owner_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT FROM {} WHERE owner_id = %s AND blocked_id = %s AND active").format(
                shard.table("accounts_block")
            ),
            [owner_id, other_id],
        )
        return cursor.fetchone() is not None


def standing_id(viewer_id: int, owner_id: int) -> str:
    """Return the cache's id of a viewer's standing with an owner."""
    return f"{owner_id}.{viewer_id}"


def standings(viewer_id: int, owner_ids: Iterable[int]) -> dict[int, Standing]:
    """Return how the viewer stands with each owner, as the owners' own shards say.

    Owners whose server cannot answer within PAGE_READ_BUDGET_S are left out, so that it harms nobody else's page.
    Cost: one multi-get; misses one query per server.
    """
    wanted = {standing_id(viewer_id, owner_id): owner_id for owner_id in owner_ids}

    def load(missing: list[str]) -> dict[str, Any]:
        rows = _standings_now(viewer_id, [wanted[each] for each in missing])
        return {standing_id(viewer_id, owner_id): [blocked, follows] for owner_id, blocked, follows in rows}

    found = get_or_load_many(STANDING_KIND, wanted, load, ttl_s=settings.CACHE_PERMISSION_TTL_S)
    return {wanted[each]: Standing(*facts) for each, facts in found.items()}


def _standings_now(viewer_id: int, owner_ids: list[int]) -> list[tuple[int, bool, bool]]:
    servers: dict[Server, dict[Shard, list[int]]] = {}
    for owner_id in owner_ids:
        shard = shard_of(owner_id)
        servers.setdefault(shard.server, {}).setdefault(shard, []).append(owner_id)

    def ask(server: Server, shards: dict[Shard, list[int]]) -> list[tuple[int, bool, bool]]:
        # One UNION ALL per server; what it says of an owner comes from the owner's schema alone.
        selects = [
            sql.SQL(
                "SELECT owner.id,"
                " EXISTS (SELECT FROM {block} WHERE owner_id = owner.id AND blocked_id = %s AND active),"
                " EXISTS (SELECT FROM {follower} WHERE followee_id = owner.id AND follower_id = %s"
                " AND status = 'follows') FROM unnest(%s::bigint[]) AS owner (id)"
            ).format(block=shard.table("accounts_block"), follower=shard.table("accounts_follower"))
            for shard in shards
        ]
        with server.cursor() as cursor:
            cursor.execute(
                sql.SQL(" UNION ALL ").join(selects),
                [value for ids in shards.values() for value in (viewer_id, viewer_id, ids)],
            )
            return cursor.fetchall()

    return [row for rows in gather(servers, ask).values() for row in rows]


def followed_among(viewer_id: int, user_ids: Iterable[int]) -> set[int]:
    """Return whom of these the viewer follows, by the viewer's copy. Cost: one query on the viewer's shard."""
    shard = shard_of(viewer_id)
    query = sql.SQL(
        "SELECT followee_id FROM {} WHERE follower_id = %s AND followee_id = ANY(%s) AND status = 'follows'"
    ).format(shard.table("accounts_following"))
    with shard.cursor() as cursor:
        cursor.execute(query, [viewer_id, list(user_ids)])
        return {row[0] for row in cursor.fetchall()}


def blocked_among(owner_id: int, user_ids: Iterable[int]) -> set[int]:
    """Return whom of these the owner blocked. Cost: one query on the owner's shard."""
    shard = shard_of(owner_id)
    query = sql.SQL("SELECT blocked_id FROM {} WHERE owner_id = %s AND blocked_id = ANY(%s) AND active").format(
        shard.table("accounts_block")
    )
    with shard.cursor() as cursor:
        cursor.execute(query, [owner_id, list(user_ids)])
        return {row[0] for row in cursor.fetchall()}


def followee_ids(user_id: int) -> list[int]:
    """Return everybody whom a person follows, by their copy. Cost: one query on the person's shard."""
    shard = shard_of(user_id)
    query = sql.SQL("SELECT followee_id FROM {} WHERE follower_id = %s AND status = 'follows'").format(
        shard.table("accounts_following")
    )
    with shard.cursor() as cursor:
        cursor.execute(query, [user_id])
        return [row[0] for row in cursor.fetchall()]


def requester_ids(owner_id: int, *, limit: int) -> list[int]:
    """Return who asks to follow the owner, latest first. Cost: one query on the owner's shard."""
    shard = shard_of(owner_id)
    query = sql.SQL(
        "SELECT follower_id FROM {} WHERE followee_id = %s AND status = 'requested' ORDER BY version DESC LIMIT %s"
    ).format(shard.table("accounts_follower"))
    with shard.cursor() as cursor:
        cursor.execute(query, [owner_id, limit])
        return [row[0] for row in cursor.fetchall()]


def follower_batch(
    author_id: int, *, shard_numbers: list[int] | None, after: tuple[int, int] | None, limit: int
) -> list[int]:
    """Return followers who live on the given logical shards, ordered by (logical shard, id), for a fan-out.

    shard_numbers: ascending; None: on any. after: (logical shard, follower id) of the last one of the batch before.
    Cost: one query on the author's shard, served by the index in its order.
    """
    shard = shard_of(author_id)
    key = sql.SQL("(follower_id %% {})").format(sql.Literal(settings.LOGICAL_SHARDS))
    condition: sql.Composable = sql.SQL("TRUE")
    arguments: list[int | list[int]] = []
    if shard_numbers is not None:
        condition, arguments = sql.SQL("{} BETWEEN %s AND %s").format(key), [shard_numbers[0], shard_numbers[-1]]
        if shard_numbers[-1] - shard_numbers[0] >= len(shard_numbers):  # not consecutive
            condition, arguments = sql.SQL("{} AND {} = ANY(%s)").format(condition, key), [*arguments, shard_numbers]
    query = sql.SQL(
        "SELECT follower_id FROM {table} WHERE followee_id = %s AND status = 'follows' AND {condition}"
        " AND ({key}, follower_id) > (%s, %s) ORDER BY {key}, follower_id LIMIT %s"
    ).format(table=shard.table("accounts_follower"), key=key, condition=condition)
    with shard.cursor() as cursor:
        cursor.execute(query, [author_id, *arguments, *(after or (-1, -1)), limit])
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
