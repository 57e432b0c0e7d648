"""The steps of a deletion that concern accounts: follow edges and blocks of both sides, and at last the account."""

from django.db import transaction
from psycopg2 import sql

from accounts import tokens
from accounts.models import MostFollowed, User
from accounts.queries import PROFILE_KIND
from accounts.services.deletion import Batch
from accounts.services.follows import copy_edge, unfollow_user
from caching import delete_after_commit
from sharding import Shard, main_server, shard_of

#: Edges of each side in one batch; each costs some eight queries on two shards.
EDGES = 100


def erase_follows(user_id: int) -> Batch:
    """End and delete a batch of edges: who follows this person, and whom they follow. Raises ShardUnavailable.

    Each edge ends as an unfollow does (counts, inboxes, copies) before its rows go: the copy on the other side is
    certain to have ended by then, so that a server that is away holds this up and nothing stays half.
    What stays: that others blocked this number; it is on their shards, where nothing finds it, and shown nowhere.
    """
    shard = shard_of(user_id)
    followers = _others(shard, "accounts_follower", "followee_id", "follower_id", user_id)
    followees = _others(shard, "accounts_following", "follower_id", "followee_id", user_id)
    for follower_id, followee_id in [(i, user_id) for i in followers] + [(user_id, i) for i in followees]:
        unfollow_user(follower_id=follower_id, followee_id=followee_id)
        copy_edge(follower_id=follower_id, followee_id=followee_id)
        # The copy first: without its authority nothing could end it any more.
        _delete(shard_of(follower_id), "accounts_following", follower_id, followee_id)
        _delete(shard_of(followee_id), "accounts_follower", follower_id, followee_id)
    edges = len(followers) + len(followees)
    return Batch(edges, {}) if edges else _erase_blocks(shard, user_id)


def _erase_blocks(shard: Shard, user_id: int) -> Batch:
    """Delete a batch of this person's blocks, with the empty edge that each left with the blocked."""
    blocked = _others(shard, "accounts_block", "owner_id", "blocked_id", user_id)
    for blocked_id in blocked:
        _delete(shard_of(blocked_id), "accounts_follower", user_id, blocked_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE owner_id = %s AND blocked_id = ANY(%s)").format(
                shard.table("accounts_block")
            ),
            [user_id, blocked],
        )
    return Batch(len(blocked), {} if blocked else None)


def erase_account(user_id: int) -> Batch:
    """Delete the person's numbers, tokens, applications, reports and the account itself: the name is free again."""
    shard = shard_of(user_id)
    with shard.cursor() as cursor:
        # Kinds from 10 on count for a person.
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE key_id = %s AND kind >= 10").format(shard.table("counter")), [user_id]
        )
    with transaction.atomic():
        tokens.revoke_all(user_id)
        MostFollowed.objects.filter(user_id=user_id).delete()
        deleted, _ = User.objects.filter(pk=user_id).delete()
        delete_after_commit(main_server(), PROFILE_KIND, [user_id])
    return Batch(deleted, None)


def _others(shard: Shard, table: str, mine: str, theirs: str, user_id: int) -> list[int]:
    query = sql.SQL("SELECT {theirs} FROM {table} WHERE {mine} = %s ORDER BY {theirs} LIMIT %s").format(
        theirs=sql.Identifier(theirs), mine=sql.Identifier(mine), table=shard.table(table)
    )
    with shard.cursor() as cursor:
        cursor.execute(query, [user_id, EDGES])
        return [row[0] for row in cursor.fetchall()]


def _delete(shard: Shard, table: str, follower_id: int, followee_id: int) -> None:
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE follower_id = %s AND followee_id = %s").format(shard.table(table)),
            [follower_id, followee_id],
        )
