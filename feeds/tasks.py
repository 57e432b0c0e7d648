"""What workers do for feeds. Every task may run twice, and late."""

from typing import Any

from django.conf import settings
from psycopg2 import sql

from accounts.models import Status
from accounts.queries import edge, follower_batch
from jobs import Again, task
from photos.queries import photos_by
from sharding import Server, ShardMoved, physical_servers, placement, server_named, shard_of, shard_of_object, shards_on


@task("feeds.fan_out", queue="feed", lease_s=30)
def fan_out(*, photo_id: int, author_id: int, cursor: list[Any] | None = None) -> Again | None:
    """Put a photo into the inboxes of one batch of its author's followers; the next batch follows.

    cursor: [server, logical shard, follower id] of the last one served. Batches go server by server, so each is one
    round trip to one. Cost: one read on the author's shard, one call on the followers' server.
    """
    shard = shard_of_object(photo_id)
    with shard.cursor() as db:
        db.execute(
            sql.SQL("SELECT 1 FROM {} WHERE id = %s AND state = 0").format(shard.table("photos_photo")), [photo_id]
        )
        if db.fetchone() is None:
            return None  # deleted meanwhile: feeds.remove_photo takes back what was delivered
    return _batch("SELECT local.deliver(%s, %s, %s)", [photo_id, author_id], author_id, cursor)


@task("feeds.remove_photo", queue="feed", lease_s=30)
def remove_photo(*, photo_id: int, author_id: int, cursor: list[Any] | None = None) -> Again | None:
    """Take a deleted photo out of its author's followers' inboxes, batch by batch."""
    return _batch("SELECT local.withdraw(%s, %s)", [photo_id], author_id, cursor)


@task("feeds.backfill", queue="fast")
def backfill(*, follower_id: int, followee_id: int) -> None:
    """Put a newly followed person's newest photos into the follower's inbox, if the follow still stands."""
    if edge(follower_id=follower_id, followee_id=followee_id) != Status.FOLLOWS:
        return
    photo_ids = photos_by(followee_id, count=settings.BACKFILL_PHOTOS)
    shard = shard_of(follower_id)
    with shard.cursor() as db:
        db.execute(
            sql.SQL(
                "INSERT INTO {} (user_id, photo_id, author_id) SELECT %s, id, %s FROM unnest(%s::bigint[]) AS id"
                " ON CONFLICT DO NOTHING"
            ).format(shard.table("feeds_inbox")),
            [follower_id, followee_id, photo_ids],
        )


@task("feeds.remove_author", queue="fast")
def remove_author(*, follower_id: int, followee_id: int) -> None:
    """Take a person's photos out of an inbox, if they are still not followed; reads leave them out anyway."""
    if edge(follower_id=follower_id, followee_id=followee_id) == Status.FOLLOWS:
        return
    shard = shard_of(follower_id)
    with shard.cursor() as db:
        db.execute(
            sql.SQL("DELETE FROM {} WHERE user_id = %s AND author_id = %s").format(shard.table("feeds_inbox")),
            [follower_id, followee_id],
        )


def _batch(call: str, arguments: list[int], author_id: int, cursor: list[Any] | None) -> Again | None:
    """Serve one batch of followers; return where the next one begins, None after the last."""
    served = _next_followers(author_id, cursor)
    if served is None:
        return None
    server, followers = served
    with server.cursor() as db:
        db.execute(call, [*arguments, followers])
        (unplaced,) = db.fetchone()
    if unplaced:
        # Their shard moved since this process read the placement: the batch is done again with a fresh one.
        placement.forget()
        raise ShardMoved
    last = followers[-1]
    return Again(cursor=[server.name, last % settings.LOGICAL_SHARDS, last])


def _next_followers(author_id: int, cursor: list[Any] | None) -> tuple[Server, list[int]] | None:
    """Return the next server that has followers to serve, and a batch of them."""
    servers: list[Server] = physical_servers()
    after: tuple[int, int] | None = None
    if cursor is not None:
        here = server_named(cursor[0])
        servers = servers[servers.index(here) :]
        after = (cursor[1], cursor[2])
    for server in servers:
        numbers = [shard.number for shard in shards_on(server)]
        if numbers:
            followers = follower_batch(author_id, shard_numbers=numbers, after=after, limit=settings.FAN_OUT_BATCH)
            if followers:
                return server, followers
        after = None
    return None
