"""What workers do for push. Every task may run twice, and late: marks.py says why a phone rings once."""

from accounts.services.deletion import Batch, run_step
from jobs import Again, periodic, task
from sharding import Server

from . import bells, entries, marks, posts


@task("notifications.push", queue="network", lease_s=60, held_by="push_paused")
def push(*, user_id: int, activity_id: int, tries: int = 0, done: list[int] | None = None) -> Again | None:
    """Ring a person's phones for an entry of their News."""
    return entries.ring_for(user_id, activity_id, tries=tries, done=done or ())


@task("notifications.push_summary", queue="network", lease_s=60, held_by="push_paused")
def push_summary(*, user_id: int, subject: str, tries: int = 0, done: list[int] | None = None) -> Again | None:
    """Ring a person's phones once for what came while one subject had to be quiet."""
    return entries.ring_summary(user_id, subject, tries=tries, done=done or ())


@task("notifications.push_post", queue="network", lease_s=60, held_by="push_paused")
def push_post(
    *,
    photo_id: int,
    author_id: int,
    stage: str = posts.BELLS,
    after: list[int] | None = None,
    only: list[int] | None = None,
    tries: int = 0,
    done: list[int] | None = None,
) -> Again | None:
    """Ring one batch of those who want to know of a post; the next batch follows."""
    return posts.ring_for(photo_id, author_id, stage=stage, after=after, only=only, tries=tries, done=done or ())


@task("notifications.erase_push", queue="feed_large")
def erase_push(*, user_id: int, after: int = -1) -> Again | None:
    """Delete a batch of a leaving person's bells, and with the first one the notes of what rang. Safe to repeat.

    Devices and settings go with the account.
    """
    return run_step("push", user_id, lambda: _erase(user_id, after))


@periodic("notifications.purge_push", seconds=600, each_server=True)
def purge_push(server: Server) -> None:
    """Delete old notes of what rang."""
    if not server.is_main:
        marks.purge(server)


def _erase(user_id: int, after: int) -> Batch:
    marks.erase(user_id)
    looked_at, following = bells.erase(user_id, after=after)
    return Batch(looked_at, None if following is None else {"after": following})
