"""What the facts mean: the first reason that applies is the cause."""

from collections.abc import Callable
from enum import StrEnum

from django.conf import settings

from accounts.models import Status
from photos.models import State
from sharding.ids import MAX_ID, created_at_of

from .facts import at
from .reading import Found


class Cause(StrEnum):
    """What decides. The first ones say why the photo shows, the others why it does not."""

    OWN = "own"
    DELIVERED = "delivered"
    BACKFILLED = "backfilled"
    TRIMMED = "trimmed"
    ASLEEP = "asleep"

    NO_PHOTO = "no photo"
    DELETED = "deleted"
    NO_VIEWER = "no viewer"
    AUTHOR_DEACTIVATED = "author deactivated"
    AUTHOR_SUSPENDED = "author suspended"
    AUTHOR_BLOCKED_VIEWER = "author blocked viewer"
    VIEWER_BLOCKED_AUTHOR = "viewer blocked author"
    HELD = "held"
    REQUESTED = "requested"
    NOT_FOLLOWED = "not followed"
    COPY_LATE = "copy late"
    BACKFILL_WAITING = "backfill waiting"
    BACKFILL_DEAD = "backfill dead"
    NOT_BEGUN = "fan-out not begun"
    WAITING = "fan-out waiting"
    RUNNING = "fan-out running"
    FAILING = "fan-out failing"
    DEAD = "fan-out dead"
    CACHE_STALE = "cache stale"
    SHARD_AWAY = "shard away"
    UNKNOWN = "unknown"


#: Causes for which a photo shows.
SHOWN = {Cause.OWN, Cause.DELIVERED, Cause.BACKFILLED, Cause.TRIMMED, Cause.ASLEEP}

Answer = tuple[Cause, str] | None


def _about_the_photo(found: Found) -> Answer:
    if found.author_id is None and not found.away:
        return Cause.NO_PHOTO, "There is no such photo: never posted, or deleted for good."
    if found.state == State.DELETED:
        return Cause.DELETED, "The photo is deleted."
    if found.state == State.HELD:
        return Cause.HELD, "Staff has taken the photo down; it can be put back for some days."
    if found.viewer is None and "main" not in found.away:
        return Cause.NO_VIEWER, "There is no such viewer."
    return None


def _about_the_author(found: Found) -> Answer:
    if found.author is not None and not found.author.is_active:
        return Cause.AUTHOR_SUSPENDED, "The author is suspended: nothing of theirs is shown."
    if found.author is not None and found.author.deactivated_at is not None:
        return Cause.AUTHOR_DEACTIVATED, "The author has deactivated their account: nothing of theirs is shown."
    return None


def _about_servers(found: Found) -> Answer:
    if found.away and not found.shown:
        return (
            Cause.SHARD_AWAY,
            f"Not shown now: {' and '.join(found.away)} does not answer, and what it holds is left out.",
        )
    return None


def _about_the_two(found: Found) -> Answer:
    if found.author_id == found.viewer_id:
        return Cause.OWN, "Shown: it is the viewer's own photo, read from their own photos."
    if found.blocked_by_author:
        return Cause.AUTHOR_BLOCKED_VIEWER, "The author has blocked the viewer."
    if found.blocked_by_viewer and found.status != Status.FOLLOWS:
        return Cause.VIEWER_BLOCKED_AUTHOR, "The viewer has blocked the author, which ended the follow."
    if found.status == Status.REQUESTED:
        return Cause.REQUESTED, "The author is private and has not answered the viewer's request to follow."
    if found.status != Status.FOLLOWS:
        return Cause.NOT_FOLLOWED, "The viewer does not follow the author."
    if found.copy != Status.FOLLOWS:
        return Cause.COPY_LATE, "The follow stands, but its copy on the viewer's shard is late (accounts.copy_edge)."
    return None


def _about_what_is_shown(found: Found) -> Answer:
    if not found.shown:
        return None
    if found.in_inbox and found.batch and found.since and found.since <= found.batch[1].begun_at:
        number, batch = found.batch
        return Cause.DELIVERED, (
            f"Shown: it is in the inbox; batch {number} of its fan-out served the viewer at {at(batch.done_at)},"
            f" by worker {batch.worker}."
        )
    if found.in_inbox:
        return Cause.BACKFILLED, (
            "Shown: it is in the inbox, brought by a backfill or a rebuild, or by a fan-out of which no account is kept"
            " any more."
        )
    if found.complete_above == MAX_ID:
        return Cause.ASLEEP, (
            "Shown: the viewer was away for long and fan-outs leave them out; it is read from the author's shard."
        )
    return Cause.TRIMMED, "Shown: it is older than what the inbox keeps, and is read from the author's shard."


def _about_the_cache(found: Found) -> Answer:
    if found.stale:
        return Cause.CACHE_STALE, (
            f"Not shown: the cache still has old facts ({', '.join(found.stale)}), for"
            f" {settings.CACHE_PERMISSION_TTL_S} s at most."
        )
    return None


def _about_the_backfill(found: Found) -> Answer:
    if not _followed_later(found):
        return None
    since = f"the viewer follows since {at(found.since)}, after it was posted"
    if found.backfill is not None:
        reason = f": {found.backfill_reason}" if found.backfill_reason else ""
        return Cause.BACKFILL_WAITING, f"Not there yet: {since}, and the backfill waits or is tried again{reason}."
    if found.backfill_dead:
        return Cause.BACKFILL_DEAD, (
            f"Not there: {since}, and the backfill failed too often and rests: {found.backfill_dead}."
        )
    return None


def _followed_later(found: Found) -> bool:
    """Return whether the follow is younger than the photo: then a backfill brings it, not the fan-out."""
    return found.since is not None and found.since > created_at_of(found.photo_id)


def _about_the_fan_out(found: Found) -> Answer:
    if found.dead:
        return Cause.DEAD, f"Not delivered: the fan-out failed too often and rests: {found.dead}."
    job = found.job
    if job is None:
        if found.progress is None and not _followed_later(found):
            return Cause.NOT_BEGUN, "Not delivered: no fan-out has begun, and no job for one is stored."
        return None
    if job.attempts:
        return (
            Cause.FAILING,
            f"Not delivered yet: the fan-out failed {job.attempts} times and is tried again: {found.job_reason}.",
        )
    if job.postponed:
        return Cause.WAITING, f"Not delivered yet: the fan-out waits for something that is away: {found.job_reason}."
    if found.progress is not None and job.step:
        return Cause.RUNNING, (
            f"Not delivered yet: the fan-out is under way, {found.progress.done:,} of {found.progress.total or 0:,}"
            " followers are served, and the viewer's turn comes."
        )
    return Cause.WAITING, "Not delivered yet: the fan-out's job is stored and waits for a worker, or has just begun."


def _nothing_else(_: Found) -> Answer:
    return (
        Cause.UNKNOWN,
        "Not shown, and nothing found here explains it: the photo should be in the inbox. A fault of ours.",
    )


REASONS: tuple[Callable[[Found], Answer], ...] = (
    _about_the_photo,
    _about_the_author,
    _about_servers,
    _about_the_two,
    _about_what_is_shown,
    _about_the_cache,
    _about_the_backfill,
    _about_the_fan_out,
    _nothing_else,
)
