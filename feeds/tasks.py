"""What workers do for feeds. Every task may run twice, and late; docs/feeds.md says why that does no harm.

fan_out and remove_photo are chains: a large account's followers are cut into one chain per server, each chain into
batches. A server that is away holds up its own chain alone.
"""

import contextlib
import time
from typing import Any

from django.conf import settings
from django.utils import timezone
from psycopg2 import sql

from accounts.models import Status
from accounts.queries import edge
from accounts.services.deletion import Batch, run_step
from instagram.counting import observe
from jobs import Again, enqueue, periodic, task
from jobs.outbox import rows_of
from photos.queries import is_published, photos_by
from sharding import Server, ShardUnavailable, shard_of, shard_of_object, shards_on
from sharding.ids import created_at_of

from . import fan_out as walks
from . import inboxes, popular, progress


@task("feeds.fan_out", queue="feed", lease_s=30)
def fan_out(**where: Any) -> Again | None:
    """Put a photo into the inboxes of one batch of its author's followers; the next batch follows.

    where: a walks.Walk. Cost of a batch: two reads and a write on the author's shard, one call on each server concerned
    (one, unless shards moved).
    """
    walk = walks.Walk(**where)
    photo_id, author_id = walk.photo_id, walk.author_id
    if not is_published(photo_id):
        return None

    def deliver(server: Server, ids: list[int]) -> tuple[list[int], int]:
        with server.cursor() as db:
            db.execute("SELECT * FROM local.deliver_to_awake(%s, %s, %s::bigint[])", [photo_id, author_id, _array(ids)])
            unplaced, left_out = db.fetchone()
        return unplaced, left_out

    batch, again = walks.serve(walk, deliver, chains_run="feeds.fan_out_large")
    if not progress.store(photo_id, batch):
        # Deleted while this batch was written: the removal may have passed here before.
        enqueue("feeds.remove_photo", on=shard_of_object(photo_id), photo_id=photo_id, author_id=author_id)
        return None
    _observe(walk, batch, again)
    if walk.shards is None and walk.cursor is None:
        # Once a photo, or again if this batch repeats: whoever rings phones knows what has rung.
        enqueue("notifications.push_post", on=shard_of_object(photo_id), photo_id=photo_id, author_id=author_id)
    return again


def _observe(walk: walks.Walk, batch: progress.Batch, again: Again | None) -> None:
    """Note how long after its posting a photo reached the first followers, and the last one."""
    if batch.followers and walk.cursor is None:
        observe("fan_out_first_seconds", _age_s(walk.photo_id))
    if again is not None or batch.chains:
        return
    with contextlib.suppress(ShardUnavailable):
        known = None if walk.shards is None else progress.progress_of(walk.photo_id)
        if walk.shards is None or (known and known.finished_at):
            observe("fan_out_seconds", _age_s(walk.photo_id))


def _age_s(photo_id: int) -> float:
    return (timezone.now() - created_at_of(photo_id)).total_seconds()


@task("feeds.fan_out_large", queue="feed_large", lease_s=30)
def fan_out_large(**where: Any) -> Again | None:
    """Do a chain's batch of a fan-out, on the lane of accounts that have more followers than one batch."""
    return _on_the_lane(fan_out, where)


@task("feeds.remove_photo", queue="feed", lease_s=30)
def remove_photo(**where: Any) -> Again | None:
    """Take a deleted photo out of one batch of inboxes; the arguments are those of fan_out."""
    walk = walks.Walk(**where)
    if is_published(walk.photo_id):
        return None  # staff took it down while it was on its way, and has put it back
    if walk.shards is None and walk.cursor is None:
        popular.drop(walk.photo_id)

    def withdraw(server: Server, ids: list[int]) -> tuple[list[int], int]:
        with server.cursor() as db:
            db.execute("SELECT local.withdraw(%s, %s::bigint[])", [walk.photo_id, _array(ids)])
            return db.fetchone()[0], 0

    _, again = walks.serve(walk, withdraw, chains_run="feeds.remove_photo_large")
    if again is None:
        progress.forget(walk.photo_id)
    return again


@task("feeds.remove_photo_large", queue="feed_large", lease_s=30)
def remove_photo_large(**where: Any) -> Again | None:
    """Do a chain's batch of a removal, on the lane of large accounts."""
    return _on_the_lane(remove_photo, where)


def _on_the_lane(run: Any, where: dict[str, Any]) -> Again | None:
    """Do a batch; if the account is very large, after the rest that the batch before earned."""
    if not where.get("large"):
        return run(**where)
    walks.rest()
    began = time.monotonic()
    again: Again | None = run(**where)
    walks.earn_rest(time.monotonic() - began)
    return again


def _array(ids: list[int]) -> str:
    # As text: psycopg2 would make 10,000 expressions of a list, for the server to parse one by one.
    return "{" + ",".join(map(str, ids)) + "}"


@task("feeds.backfill", queue="fast")
def backfill(*, follower_id: int, followee_id: int) -> None:
    """Put a newly followed person's newest photos into the follower's inbox, if the follow still stands."""
    if edge(follower_id=follower_id, followee_id=followee_id) != Status.FOLLOWS:
        return
    photo_ids = photos_by(followee_id, count=settings.BACKFILL_PHOTOS)
    # Older ones may be left: below these the inbox is not complete any more, and reading asks the author's shard.
    inboxes.note_follow(
        follower_id, incomplete_below=photo_ids[-1] if len(photo_ids) == settings.BACKFILL_PHOTOS else None
    )
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


@task("feeds.erase_inbox", queue="feed_large")
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
        erased = db.rowcount
        if erased < settings.FAN_OUT_BATCH:
            db.execute(sql.SQL("DELETE FROM {} WHERE user_id = %s").format(shard.table("feeds_reader")), [user_id])
            db.execute("DELETE FROM local.asleep WHERE user_id = %s", [user_id])
        return Batch(erased, {} if erased == settings.FAN_OUT_BATCH else None)


@task("feeds.rebuild_inbox", queue="fast", lease_s=30)
def rebuild_inbox(*, user_id: int) -> Again | None:
    """Fill an inbox again from the shards of those whom the person follows; waits for servers that are away."""
    return None if inboxes.rebuild(user_id) else Again()


@task("feeds.tidy_inboxes", queue="feed_large", lease_s=30)
def tidy_inboxes(*, shard: int, past: int = 0) -> Again | None:
    """Put to sleep who was not seen for INBOX_SLEEPS_DAYS, and trim long inboxes; one batch of one server's people.

    shard, past: the logical shard and the person that come next. A shard that moved away ends the walk there.
    """
    reached = inboxes.tidy(shard, past)
    return None if reached is None else Again(shard=reached[0], past=reached[1])


@periodic("feeds.tidy_inboxes", seconds=settings.INBOX_TIDY_PERIOD_S, each_server=True)
def begin_tidying(server: Server) -> None:
    """Begin a walk over a server's inboxes, unless one is under way; forget old accounts of fan-outs."""
    first = next(shards_on(server), None)
    if first is not None:
        progress.forget_old(server)
        if not rows_of(server, task="feeds.tidy_inboxes", most=1):
            enqueue("feeds.tidy_inboxes", on=first, shard=first.number)


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
