"""What workers do for moderation. Every task may run twice, and late."""

import contextlib
import time

from accounts.services.deletion import Batch, run_step
from instagram.errors import NotFound
from jobs import Again, periodic, task
from sharding import Server

from . import decisions, effects, gone, look_alikes, queue, warnings
from .spam import judging, texts


@task("moderation.note_reports", queue="fast")
def note_reports(*, kind: str, target_id: int, about_user_id: int, since: float = 0.0) -> Again | None:
    """Bring a case up to its open reports. since: when this was put off, since many report the same."""
    if since:
        if queue.was_noted_since(since, kind=kind, target_id=target_id):
            return None  # with the report that this came for: that had committed before
    elif queue.may_wait(kind=kind, target_id=target_id):
        return Again(since=time.time(), delay_s=queue.NOTE_S)
    queue.note_reports(kind=kind, target_id=target_id, about_user_id=about_user_id)
    return None


@task("moderation.bring_up", queue="fast")
def bring_up(*, kind: str, target_id: int, about_user_id: int) -> None:
    """Bring a target to what the decisions about it say."""
    effects.bring_up(kind, target_id, about_user_id)


@task("moderation.delete_for_good", queue="fast")
def delete_for_good(*, decision_id: int) -> None:
    """Delete what a final decision removed."""
    decisions.delete_for_good(decision_id)


@task("moderation.warn", queue="network")
def warn(*, decision_id: int) -> None:
    """Mail the owner of what was removed a warning."""
    warnings.warn(decision_id)


@task("moderation.remember_picture", queue="network")
def remember_picture(*, decision_id: int) -> None:
    """Keep the fingerprints of what was removed, or forget those of what was put back."""
    look_alikes.remember(decision_id)


@task("moderation.look_at", queue="network")
def look_at(*, photo_id: int) -> None:
    """Compare an upload with what was removed."""
    with contextlib.suppress(NotFound):  # deleted meanwhile
        look_alikes.look_at(photo_id)


@task("moderation.judge", queue="feed")
def judge(*, photo_id: int, comment_id: int | None = None) -> None:
    """Judge a caption or comment by the rules against spam."""
    judging.judge(photo_id=photo_id, comment_id=comment_id)


@task("moderation.forget_texts", queue="fast")
def forget_texts(*, photo_id: int, author_id: int) -> None:
    """Forget what is known of somebody's texts under a photo that was deleted. Safe to repeat."""
    texts.forget_under(photo_id, author_id)


@task("moderation.close_gone", queue="fast")
def close_gone(*, kind: str, target_ids: list[int]) -> None:
    """Close the cases of what was deleted, without a decision. Safe to repeat."""
    gone.close_those_gone(kind, target_ids)


@task("moderation.erase_said", queue="feed_large")
def erase_said(*, user_id: int) -> Again | None:
    """Forget what is known of a deleted person's texts, and close the cases about what was theirs."""

    def erase() -> Batch:
        gone.close_owned_by(user_id)
        return Batch(texts.forget_author(user_id), None)

    return run_step("texts", user_id, erase)


@periodic("moderation.forget_said", seconds=600, each_server=True)
def forget_said(server: Server) -> None:
    """Forget texts that no rule looks back to."""
    if not server.is_main:
        texts.forget_before(server, time.time() - judging.LOOKS_BACK_S)


@periodic("moderation.make_final", seconds=3_600)
def make_final() -> None:
    """Have what can no longer be undone deleted for good, a batch at a time."""
    while decisions.make_final():
        pass
