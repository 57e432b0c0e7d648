"""Everything an explanation rests on: of the photo, the two people, the inbox, the fan-out, the cache."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from psycopg2 import sql

from accounts import visibility
from accounts.models import Status, User
from accounts.queries import PROFILE_KIND, STANDING_KIND, is_blocked, standing_id
from caching import get_many
from jobs import dead_letters, outbox
from photos.models import State
from photos.queries import owners_of
from photos.queries.bodies import BODY_KIND
from sharding import ShardUnavailable, shard_of, shard_of_object
from sharding.ids import created_at_of

from ..fan_out import Walk, holds
from ..progress import Batch, Progress, progress_of
from ..queries import home_feed

_FAN_OUTS = ("feeds.fan_out", "feeds.fan_out_large")


@dataclass
class Found:
    """What was read; None: not asked, or not to be had. away: servers that did not answer."""

    photo_id: int
    viewer_id: int
    state: int | None = None
    author_id: int | None = None
    author: User | None = None
    viewer: User | None = None
    status: Status = Status.NONE
    since: datetime | None = None
    copy: Status = Status.NONE
    blocked_by_author: bool = False
    blocked_by_viewer: bool = False
    in_inbox: bool = False
    asleep: bool = False
    complete_above: int = 0
    progress: Progress | None = None
    batch: tuple[int, Batch] | None = None
    job: outbox.Job | None = None
    job_reason: str = ""
    dead: str = ""
    #: Of a new follow's backfill: its job with why it waits or fails, or the dead letter it became.
    backfill: outbox.Job | None = None
    backfill_reason: str = ""
    backfill_dead: str = ""
    stale: list[str] = field(default_factory=list)
    shown: bool = False
    away: list[str] = field(default_factory=list)


def read(photo_id: int, viewer_id: int) -> Found:
    """Read everything, past the cache and beside it; what is away is noted. Cost: some fifteen queries."""
    found = Found(photo_id, viewer_id)
    looks: list[Callable[[Found], None]] = [_photo, _people, _edges, _inbox, _fan_out]
    looks += [_jobs, _backfill, _page, _cache]
    for look in looks:
        try:
            look(found)
        except ShardUnavailable as error:
            if error.server_name not in found.away:
                found.away.append(error.server_name)
    return found


def _photo(found: Found) -> None:
    try:
        shard = shard_of_object(found.photo_id)
    except ValueError:
        return
    try:
        with shard.cursor() as cursor:
            query = sql.SQL("SELECT author_id, state FROM {} WHERE id = %s").format(shard.table("photos_photo"))
            cursor.execute(query, [found.photo_id])
            found.author_id, found.state = cursor.fetchone() or (None, None)
    except ShardUnavailable:
        # The map may still know whose it is.
        found.author_id = owners_of([found.photo_id]).get(found.photo_id)
        raise


def _people(found: Found) -> None:
    people = User.objects.in_bulk([each for each in (found.author_id, found.viewer_id) if each is not None])
    found.viewer = people.get(found.viewer_id)
    found.author = people.get(found.author_id) if found.author_id is not None else None


def _edges(found: Found) -> None:
    if found.author_id is None or found.author_id == found.viewer_id:
        return
    mine, theirs = shard_of(found.viewer_id), shard_of(found.author_id)
    where = "WHERE follower_id = %s AND followee_id = %s"
    with mine.cursor() as cursor:
        query = sql.SQL("SELECT status FROM {} " + where).format(mine.table("accounts_following"))
        cursor.execute(query, [found.viewer_id, found.author_id])
        found.copy = Status((cursor.fetchone() or [Status.NONE])[0])
    found.blocked_by_viewer = is_blocked(owner_id=found.viewer_id, other_id=found.author_id)
    found.blocked_by_author = is_blocked(owner_id=found.author_id, other_id=found.viewer_id)
    with theirs.cursor() as cursor:
        query = sql.SQL("SELECT status, version FROM {} " + where).format(theirs.table("accounts_follower"))
        cursor.execute(query, [found.viewer_id, found.author_id])
        status, version = cursor.fetchone() or (Status.NONE, 0)
    found.status, found.since = Status(status), created_at_of(version) if version else None


def _inbox(found: Found) -> None:
    shard = shard_of(found.viewer_id)
    query = sql.SQL(
        "SELECT EXISTS (SELECT FROM {inbox} WHERE user_id = %(viewer)s AND photo_id = %(photo)s),"
        " coalesce(reader.asleep, false), coalesce(reader.complete_above, 0)"
        " FROM (SELECT) AS always LEFT JOIN {reader} AS reader ON reader.user_id = %(viewer)s"
    ).format(inbox=shard.table("feeds_inbox"), reader=shard.table("feeds_reader"))
    with shard.cursor() as cursor:
        cursor.execute(query, {"viewer": found.viewer_id, "photo": found.photo_id})
        found.in_inbox, found.asleep, found.complete_above = cursor.fetchone()


def _fan_out(found: Found) -> None:
    if found.author_id is None or found.author_id == found.viewer_id:
        return
    found.progress = progress_of(found.photo_id)
    if found.progress is not None:
        place = (found.viewer_id % settings.LOGICAL_SHARDS, found.viewer_id)
        found.batch = found.progress.batch_of(place)


def _jobs(found: Found) -> None:
    if found.author_id is None:
        return
    server = shard_of_object(found.photo_id).server
    for job in outbox.jobs_with(server, tasks=_FAN_OUTS, argument="photo_id", value=found.photo_id):
        shards = job.args.get("shards")
        if shards is None or holds(Walk(**job.args), found.viewer_id):
            found.job = job
            found.job_reason = outbox.last_error_of(job) or ""
    for letter in dead_letters.with_argument(server, tasks=_FAN_OUTS, argument="photo_id", value=found.photo_id):
        if letter["args"].get("shards") is None or holds(Walk(**letter["args"]), found.viewer_id):
            found.dead = f"{letter['last_error']} (dead letter {letter['id']} on {letter['server']})"


def _backfill(found: Found) -> None:
    if found.author_id is None or found.author_id == found.viewer_id:
        return
    server = shard_of(found.viewer_id).server
    tasks, viewer_id = ["feeds.backfill"], found.viewer_id
    for job in outbox.jobs_with(server, tasks=tasks, argument="follower_id", value=viewer_id):
        if job.args["followee_id"] == found.author_id:
            found.backfill = job
            found.backfill_reason = outbox.last_error_of(job) or ""
    for letter in dead_letters.with_argument(server, tasks=tasks, argument="follower_id", value=viewer_id):
        if letter["args"]["followee_id"] == found.author_id:
            found.backfill_dead = f"{letter['last_error']} (dead letter {letter['id']} on {letter['server']})"


def _page(found: Found) -> None:
    if found.state == State.VISIBLE and found.author_id is not None:
        page = home_feed(found.viewer_id, max_id=found.photo_id + 1, min_id=found.photo_id - 1, count=1)
        listed = found.photo_id in dict(page.photos)
        found.shown = listed and found.author_id in visibility.visible_authors(found.viewer_id, [found.author_id])


def _cache(found: Found) -> None:
    """Compare what memcached holds with what was read."""
    if found.author_id is None:
        return
    if found.state in (State.DELETED, State.HELD) and get_many(BODY_KIND, [found.photo_id]):
        found.stale.append("the photo, which is not shown any more")
    profile = get_many(PROFILE_KIND, [found.author_id]).get(found.author_id)
    if profile and found.author:
        there = found.author.is_active and found.author.deactivated_at is None
        if (profile["is_active"], profile["is_private"]) != (there, found.author.is_private):
            found.stale.append("the author's profile")
    key = standing_id(found.viewer_id, found.author_id)
    standing = get_many(STANDING_KIND, [key]).get(key)
    if standing and not found.away:
        truth = [found.blocked_by_author, found.status == Status.FOLLOWS]
        if list(standing) != truth and found.author_id != found.viewer_id:
            found.stale.append("how the viewer stands with the author")
