"""What workers do for feeds. Every task may run twice, and late; docs/feeds.md says why that does no harm.

fan_out and remove_photo are chains: a large account's followers are cut into one chain per server, each chain into
batches. A server that is away holds up its own chain alone.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from django.conf import settings
from psycopg2 import sql

from accounts.models import Status
from accounts.queries import edge, follower_batch
from accounts.services.deletion import Batch, run_step
from jobs import Again, enqueue, enqueue_many, periodic, task
from photos.queries import is_published, photos_by
from sharding import (
    Server,
    ShardMoved,
    ShardUnavailable,
    by_server,
    physical_servers,
    placement,
    shard_of,
    shard_of_object,
    shards_on,
)

from . import popular

#: First and last of some consecutive logical shards.
ShardRange = list[int]


@task("feeds.fan_out", queue="feed", lease_s=30)
def fan_out(
    *, photo_id: int, author_id: int, shards: list[ShardRange] | None = None, cursor: list[int] | None = None
) -> Again | None:
    """Put a photo into the inboxes of one batch of its author's followers; the next batch follows.

    shards: the logical shards this chain serves, fixed for its life so that each follower is in one chain whatever
    moves; None: not cut into chains yet. cursor: [logical shard, follower id] of the last one served.
    Cost of a batch: three reads on the author's shard, one call on each server concerned (one, unless shards moved).
    """
    if not is_published(photo_id):
        return None
    again = _serve(
        "feeds.fan_out",
        "SELECT local.deliver(%s, %s, %s::bigint[])",
        photo_id=photo_id,
        author_id=author_id,
        shards=shards,
        cursor=cursor,
    )
    if not is_published(photo_id):
        # Deleted while this batch was written: the removal may have passed here before.
        enqueue("feeds.remove_photo", on=shard_of_object(photo_id), photo_id=photo_id, author_id=author_id)
        return None
    return again


@task("feeds.remove_photo", queue="feed", lease_s=30)
def remove_photo(
    *, photo_id: int, author_id: int, shards: list[ShardRange] | None = None, cursor: list[int] | None = None
) -> Again | None:
    """Take a deleted photo out of one batch of inboxes; the arguments are those of fan_out."""
    if shards is None and cursor is None:
        popular.drop(photo_id)
    return _serve(
        "feeds.remove_photo",
        "SELECT local.withdraw(%s, %s::bigint[])",
        photo_id=photo_id,
        author_id=author_id,
        shards=shards,
        cursor=cursor,
    )


@task("feeds.backfill", queue="fast")
def backfill(*, follower_id: int, followee_id: int) -> None:
    """Put a newly followed person's newest photos into the follower's inbox, if the follow still stands."""
    if edge(follower_id=follower_id, followee_id=followee_id) != Status.FOLLOWS:
        return
    photo_ids = photos_by(followee_id, count=settings.BACKFILL_PHOTOS)
    if not photo_ids:
        return
    shard = shard_of(follower_id)
    with shard.cursor() as db:
        db.execute(
            sql.SQL(
                "INSERT INTO {} (user_id, photo_id, author_id) SELECT %s, id, %s FROM unnest(%s::bigint[]) AS id"
                " ON CONFLICT DO NOTHING"
            ).format(shard.table("feeds_inbox")),
            [follower_id, followee_id, photo_ids],
        )
    # Unfollowed or deleted since it was read: what takes that back may have passed here before.
    newest, oldest = photo_ids[0], photo_ids[-1]
    kept = photos_by(followee_id, below=newest + 1, above=oldest - 1, count=len(photo_ids))
    gone = set(photo_ids).difference(kept)
    if gone:
        _take_out(follower_id, sql.SQL("photo_id = ANY(%s)"), sorted(gone))
    _take_out_unfollowed(follower_id, followee_id)


@task("feeds.remove_author", queue="fast")
def remove_author(*, follower_id: int, followee_id: int) -> None:
    """Take a person's photos out of an inbox, if they are still not followed; reads leave them out anyway.

    Decided by the follower's copy within the statement: what the backfill of a new follow brings meanwhile stays.
    """
    _take_out_unfollowed(follower_id, followee_id)


def _take_out_unfollowed(follower_id: int, followee_id: int) -> None:
    following = shard_of(follower_id).table("accounts_following")
    _take_out(
        follower_id,
        sql.SQL(
            "author_id = %s AND NOT EXISTS (SELECT FROM {} AS following WHERE following.follower_id = user_id"
            " AND following.followee_id = author_id AND following.status = 'follows')"
        ).format(following),
        followee_id,
    )


@task("feeds.erase_inbox", queue="feed")
def erase_inbox(*, user_id: int) -> Again | None:
    """Empty a batch of a deleted person's inbox. Safe to repeat."""
    return run_step("inbox", user_id, lambda: _erase_inbox(user_id))


def _erase_inbox(user_id: int) -> Batch:
    shard = shard_of(user_id)
    inbox = shard.table("feeds_inbox")
    with shard.cursor() as db:
        db.execute(
            sql.SQL(
                "DELETE FROM {} WHERE user_id = %s AND photo_id IN"
                " (SELECT photo_id FROM {} WHERE user_id = %s LIMIT %s)"
            ).format(inbox, inbox),
            [user_id, user_id, settings.FAN_OUT_BATCH],
        )
        return Batch(db.rowcount, {} if db.rowcount == settings.FAN_OUT_BATCH else None)


@periodic("feeds.popular", seconds=settings.POPULAR_PERIOD_S)
def make_popular() -> None:
    """Make the list of Popular anew."""
    popular.refresh()


def _take_out(user_id: int, condition: sql.Composable, argument: Any) -> None:
    shard = shard_of(user_id)
    with shard.cursor() as db:
        db.execute(
            sql.SQL("DELETE FROM {} WHERE user_id = %s AND {}").format(shard.table("feeds_inbox"), condition),
            [user_id, argument],
        )


def _serve(
    task_name: str,
    call: str,
    *,
    photo_id: int,
    author_id: int,
    shards: list[ShardRange] | None,
    cursor: list[int] | None,
) -> Again | None:
    """Run `call` for one batch of followers; return where the next one begins, None after the last."""
    here = shard_of_object(photo_id)
    followers = follower_batch(
        author_id,
        shard_numbers=None if shards is None else _numbers(shards),
        after=None if cursor is None else (cursor[0], cursor[1]),
        limit=settings.FAN_OUT_BATCH,
    )
    more = len(followers) == settings.FAN_OUT_BATCH

    def chains_for(servers: Iterable[Server]) -> list[dict[str, Any]]:
        facts = {"photo_id": photo_id, "author_id": author_id}
        numbers = [[shard.number for shard in shards_on(server)] for server in servers]
        return [facts | {"shards": _ranges(each)} for each in numbers if each]

    if shards is None and more:
        enqueue_many(task_name, chains_for(physical_servers()), on=here)
        return None

    def on_server(server: Server, ids: list[int]) -> list[int]:
        arguments = [photo_id, author_id][: call.count("%s") - 1]
        with server.cursor() as db:
            # As text: psycopg2 would make 10,000 expressions of a list, for the server to parse one by one.
            db.execute(call, [*arguments, "{" + ",".join(map(str, ids)) + "}"])
            return list(db.fetchone()[0])

    away = _on_each_server(followers, on_server)
    if away and shards is not None:
        raise ShardUnavailable(away[0].name)  # this chain waits for it
    enqueue_many(task_name, chains_for(away), on=here)
    return Again(cursor=[followers[-1] % settings.LOGICAL_SHARDS, followers[-1]]) if more else None


def _on_each_server(follower_ids: list[int], run: Callable[[Server, list[int]], list[int]]) -> list[Server]:
    """Run once per server; return the servers that are away. Raises ShardMoved for followers that none would have."""
    away = []
    for _ in range(2):
        unplaced: list[int] = []
        for server, ids in by_server(follower_ids).items():
            try:
                unplaced += run(server, ids)
            except ShardUnavailable:
                away.append(server)
        if not unplaced:
            return away
        # Their shard moved since this process read the placement.
        placement.forget()
        follower_ids = unplaced
    raise ShardMoved


def _ranges(numbers: Iterable[int]) -> list[ShardRange]:
    """Return ascending numbers as [first, last] of each consecutive run: half of 2,048 shards in four digits."""
    runs = (list(run) for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]))
    return [[run[0][1], run[-1][1]] for run in runs]


def _numbers(ranges: list[ShardRange]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]
