"""What workers do for activity. Every task may run twice, late, and in any order (noting.py)."""

import contextlib

from django.conf import settings

from accounts.services.deletion import run_step
from caching import counters
from jobs import Again, enqueue, periodic, task
from sharding import Server, ShardUnavailable
from sharding.ids import MAX_ID

from . import keeping, noting
from .models import Kind
from .services import Act, forget_deed


@task("notifications.note_like", queue="fast")
def note_like(*, photo_id: int, owner_id: int, user_id: int, version: int) -> None:
    """Note a like, or that it was taken back."""
    noting.note_like(photo_id, owner_id=owner_id, user_id=user_id, version=version)


@task("notifications.note_edge", queue="fast")
def note_edge(*, follower_id: int, followee_id: int, version: int, approved: bool) -> None:
    """Note a follow, a request, its approval, or the end of any."""
    noting.note_edge(follower_id=follower_id, followee_id=followee_id, version=version, approved=approved)


@task("notifications.note_comment", queue="fast")
def note_comment(*, photo_id: int, comment_id: int, owner_id: int, author_id: int) -> None:
    """Note a comment and its mentions, or that it was deleted."""
    noting.note_comment(photo_id, comment_id=comment_id, owner_id=owner_id, author_id=author_id)


@task("notifications.forget_comments", queue="fast")
def forget_comments(*, photo_id: int, author_id: int) -> None:
    """Forget that somebody commented on a photo that was deleted."""
    forget_deed(Act(Kind.COMMENT, author_id, photo_id), up_to=MAX_ID)


@task("notifications.forget_mentions", queue="fast")
def forget_mentions(*, photo_id: int, names: list[str]) -> None:
    """Take a deleted photo out of the News of whom its caption and comments named."""
    noting.forget_mentions(photo_id, names)


@task("notifications.note_photo", queue="fast")
def note_photo(*, photo_id: int, author_id: int, after: int = 0) -> Again | None:
    """Note the mentions of a caption, or that the photo was deleted."""
    return noting.note_photo(photo_id, author_id=author_id, after=after)


@task("notifications.note_popular", queue="feed")
def note_popular(*, photos: list[tuple[int, int]]) -> None:
    """Tell authors that their photos reached Popular. photos: [photo id, author id] each."""
    noting.note_popular(dict(photos), likes=settings.ACTIVITY_POPULAR_LIKES)


@task("notifications.note_joined", queue="fast")
def note_joined(*, user_id: int) -> None:
    """Tell who had looked a new person up."""
    noting.note_joined(user_id)


@task("notifications.erase_activity", queue="feed_large")
def erase_activity(*, user_id: int) -> Again | None:
    """Delete a deleted person's activity."""
    return run_step("activity", user_id, lambda: keeping.erase(user_id))


@task("notifications.trim_activity", queue="feed_large")
def trim_activity(*, shard_number: int = 0) -> Again | None:
    """Trim one logical shard, then the next."""
    # A server that is away is trimmed tomorrow; the walk goes on.
    with contextlib.suppress(ShardUnavailable):
        if keeping.trim(shard_number):
            return Again(shard_number=shard_number)
    return Again(shard_number=shard_number + 1) if shard_number + 1 < settings.LOGICAL_SHARDS else None


@periodic("notifications.trim_activity", seconds=3_600)
def trim_daily() -> None:
    """Have everything trimmed, once a day however many relays there are."""
    if counters.increment("trim-activity", ttl_s=86_000) == 1:
        enqueue("notifications.trim_activity", shard_number=0)


@periodic("notifications.trim_deeds", seconds=600, each_server=True)
def trim_deeds(server: Server) -> None:
    """Trim what the people of a server did; main has none."""
    if not server.is_main:
        keeping.trim_deeds(server)
