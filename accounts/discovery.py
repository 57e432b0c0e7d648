"""Finding people: by name, suggestions, how one stands with many, and whom one blocked. Reads, but for the walk that
keeps the list of the most followed."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction
from psycopg2 import sql

from accounts.models import MostFollowed, Status, User
from accounts.queries import Page, Relationship, follows_page
from caching import get_or_load_many
from sharding import Server, Shard, counters, gather, replicas, shard_numbered, shard_of

#: Suggestions computed for a viewer, from so many of whom they follow, and so many of whom each of those follows.
SUGGESTED_MAX, SUGGEST_FROM, SUGGEST_EACH = 100, 50, 50
#: People remembered of each logical shard as most followed.
MOST_FOLLOWED_EACH = 20
_SUGGESTED_KIND = "suggested:1"


def id_by_username(username: str) -> int | None:
    """Return who has a name, None for nobody. Cost: one query on main."""
    return User.objects.filter(username=username.strip().lower()).values_list("pk", flat=True).first()


def ids_by_username(usernames: Iterable[str]) -> dict[str, int]:
    """Return who has which of some names, in lower case. Cost: one query on main."""
    return dict(User.objects.filter(username__in=set(usernames)).values_list("username", "pk"))


def relationships(viewer_id: int, other_ids: Iterable[int]) -> dict[int, Relationship]:
    """Return how the viewer stands with each of the others, as the viewer's own shard knows.

    Outgoing is the viewer's copy of the edge: right at once for whom wrote it. Cost: one query on the viewer's shard.
    """
    shard, ids = shard_of(viewer_id), list(dict.fromkeys(other_ids))
    query = sql.SQL(
        "SELECT other.id, following.status, follower.status, coalesce(block.active, false)"
        " FROM unnest(%(others)s::bigint[]) AS other (id)"
        " LEFT JOIN {following} AS following ON following.follower_id = %(me)s AND following.followee_id = other.id"
        " LEFT JOIN {follower} AS follower ON follower.followee_id = %(me)s AND follower.follower_id = other.id"
        " LEFT JOIN {block} AS block ON block.owner_id = %(me)s AND block.blocked_id = other.id"
    ).format(
        following=shard.table("accounts_following"),
        follower=shard.table("accounts_follower"),
        block=shard.table("accounts_block"),
    )
    if not ids:
        return {}
    with shard.cursor() as cursor:
        cursor.execute(query, {"me": viewer_id, "others": ids})
        return {
            other: Relationship(Status(outgoing or "none"), Status(incoming or "none"), blocked)
            for other, outgoing, incoming, blocked in cursor.fetchall()
        }


def blocked_page(owner_id: int, *, cursor: int | None, count: int) -> Page:
    """Return whom a person blocked, latest first. Cost: one query on the person's shard."""
    shard = shard_of(owner_id)
    query = sql.SQL(
        "SELECT blocked_id, version FROM {} WHERE owner_id = %s AND active AND version < %s"
        " ORDER BY version DESC LIMIT %s"
    ).format(shard.table("accounts_block"))
    with shard.cursor() as db:
        db.execute(query, [owner_id, 2**63 - 1 if cursor is None else cursor, count + 1])
        rows = db.fetchall()
    page = rows[:count]
    return Page([user for user, _ in page], page[-1][1] if len(rows) > count else None)


def suggested_ids(viewer_id: int) -> list[int]:
    """Return people the viewer may like to follow, best first, at most SUGGESTED_MAX.

    Whom those follow whom the viewer follows, by how many; then the most followed of all. Kept SUGGESTIONS_TTL_S:
    the caller leaves out whom the viewer follows by now, and who may not be listed.
    Cost: one cache look-up; a miss one query per server, one on the viewer's shard, one on main.
    """

    def load(_: list[int]) -> dict[int, Any]:
        return {viewer_id: _suggested_now(viewer_id)}

    return get_or_load_many(_SUGGESTED_KIND, [viewer_id], load, ttl_s=settings.SUGGESTIONS_TTL_S)[viewer_id]


def _suggested_now(viewer_id: int) -> list[int]:
    friends = follows_page(viewer_id, cursor=None, count=SUGGEST_FROM).user_ids
    votes = Counter(_followed_by(friends))
    best = [user_id for user_id, _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))]
    most = MostFollowed.objects.order_by("-followers").values_list("user_id", flat=True)[: 2 * SUGGESTED_MAX]
    known = {viewer_id, *friends}
    return [user_id for user_id in dict.fromkeys([*best, *most]) if user_id not in known][:SUGGESTED_MAX]


def _followed_by(user_ids: list[int]) -> list[int]:
    """Return whom each of these follows, the latest SUGGEST_EACH, people as often as they are followed."""
    servers: dict[Server, dict[Shard, list[int]]] = {}
    for user_id in user_ids:
        shard = shard_of(user_id)
        servers.setdefault(shard.server, {}).setdefault(shard, []).append(user_id)

    def ask(server: Server, shards: dict[Shard, list[int]]) -> list[int]:
        selects = [
            sql.SQL(
                "SELECT edge.followee_id FROM unnest(%s::bigint[]) AS friend (id), LATERAL (SELECT followee_id FROM {}"
                " WHERE follower_id = friend.id AND status = 'follows' ORDER BY version DESC LIMIT {}) AS edge"
            ).format(shard.table("accounts_following"), sql.Literal(SUGGEST_EACH))
            for shard in shards
        ]
        # Suggestions are kept for a while, and whom the viewer follows by now is left out later: a moment is nothing.
        return [row[0] for row in replicas.rows(server, sql.SQL(" UNION ALL ").join(selects), list(shards.values()))]

    return [user_id for found in gather(servers, ask).values() for user_id in found]


def note_most_followed(shard_number: int) -> None:
    """Write down the most followed of one logical shard. Safe to repeat.

    Cost: one scan of the shard's counters, as of their last roll-up; two writes on main. Raises ShardUnavailable.
    """
    shard = shard_numbered(shard_number)
    # A scan, of figures that are a roll-up old at best.
    rows = replicas.rows(
        shard.server,
        sql.SQL(
            "SELECT key_id, value FROM {} WHERE kind = %s AND value > 0 ORDER BY value DESC, key_id LIMIT %s"
        ).format(shard.table("counter")),
        [counters.USER_FOLLOWED_BY, MOST_FOLLOWED_EACH],
    )
    with transaction.atomic():
        MostFollowed.objects.filter(logical_shard=shard_number).delete()
        MostFollowed.objects.bulk_create(
            [MostFollowed(user_id=user_id, followers=value, logical_shard=shard_number) for user_id, value in rows],
            update_conflicts=True,
            update_fields=["followers", "logical_shard"],
            unique_fields=["user_id"],
        )
