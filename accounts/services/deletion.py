"""Deleting an account: wished for, begun after DELETION_DELAY_DAYS, done room by room in batches.

A deletion is a row (models.Deletion) that says which step is under way. Each step is a task of the room whose rows
it deletes; it does a batch at a time through run_step(), which records progress and hands over to the next step.
Every batch may run twice. A kill costs one batch; a step that rests too long is pushed by push_stalled().
A room that begins to keep things of people adds its task to STEPS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Deletion, User
from accounts.services import presence
from jobs import Again, enqueue

#: In this order. Follows first: after them nobody's inbox is concerned when the photos go; the account last.
STEPS = {
    # Even before: it finds bells by the follows.
    "push": "notifications.erase_push",
    "follows": "accounts.erase_follows",
    "photos": "photos.erase_photos",
    "likes": "photos.erase_likes",
    "comments": "photos.erase_comments",
    "texts": "moderation.erase_said",
    "shares": "notifications.erase_shares",
    "inbox": "feeds.erase_inbox",
    "activity": "notifications.erase_activity",
    "account": "accounts.erase_account",
}
#: Deletions begun or pushed in one look.
MOST_AT_ONCE = 100
#: A step without a batch for so long has lost its job (it rests as a dead letter): it is started again.
STALLED_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch of a step did: rows erased, and the arguments of the next batch (None: the step is done)."""

    erased: int
    next: dict[str, Any] | None


def request_deletion(user_id: int, *, at_once: bool = False) -> Deletion:
    """Hide a person now, and delete everything of theirs after DELETION_DELAY_DAYS unless they sign in before.

    at_once: by staff; begins now, even if the person wished it for later.
    """
    with transaction.atomic():
        presence.deactivate(user_id)
        now = timezone.now()
        delay = timedelta(0) if at_once else timedelta(days=settings.DELETION_DELAY_DAYS)
        deletion, is_new = Deletion.objects.get_or_create(user_id=user_id, defaults={"delete_after": now + delay})
        if at_once:
            if not is_new and deletion.started_at is None:
                deletion.delete_after = now
                deletion.save(update_fields=["delete_after"])
            begin(user_id)
            deletion.refresh_from_db()
    return deletion


def begin_due() -> None:
    """Begin the deletions whose time has come. Safe to repeat, and from several relays at once."""
    due = Deletion.objects.filter(started_at=None, finished_at=None, delete_after__lte=timezone.now())
    for user_id in due.order_by("delete_after").values_list("user_id", flat=True)[:MOST_AT_ONCE]:
        begin(user_id)


def begin(user_id: int) -> None:
    """Begin one deletion, if it still stands and its time has come: from here there is no way back."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=user_id).first()
        deletion = Deletion.objects.select_for_update().filter(user_id=user_id, started_at=None).first()
        if user is None or deletion is None or deletion.delete_after > timezone.now():
            return
        user.is_active = False
        user.save(update_fields=["is_active"])
        presence.changed(user_id)
        deletion.step = next(iter(STEPS))
        deletion.started_at = deletion.touched_at = timezone.now()
        deletion.save()
        enqueue(STEPS[deletion.step], user_id=user_id)


def push_stalled() -> None:
    """Start the current step of deletions that rest too long again. A second run beside the first does no harm."""
    resting = Deletion.objects.filter(finished_at=None, touched_at__lt=timezone.now() - STALLED_AFTER)
    for user_id in resting.exclude(started_at=None).values_list("user_id", flat=True)[:MOST_AT_ONCE]:
        with transaction.atomic():
            deletion = Deletion.objects.select_for_update().get(user_id=user_id)
            if deletion.finished_at is None:
                deletion.touched_at = timezone.now()
                deletion.save(update_fields=["touched_at"])
                enqueue(STEPS[deletion.step], user_id=user_id)


def run_step(step: str, user_id: int, erase: Callable[[], Batch]) -> Again | None:
    """Do one batch of a step, and note it. Nothing happens unless exactly this step of a deletion is under way."""
    if not Deletion.objects.filter(user_id=user_id, step=step, finished_at=None).exclude(started_at=None).exists():
        return None
    batch = erase()
    with transaction.atomic():
        deletion = Deletion.objects.select_for_update().get(user_id=user_id)
        if deletion.step != step or deletion.finished_at is not None:
            return None
        deletion.erased[step] = deletion.erased.get(step, 0) + batch.erased
        deletion.touched_at = timezone.now()
        if batch.next is None:
            names = list(STEPS)
            if step == names[-1]:
                deletion.finished_at = timezone.now()
            else:
                deletion.step = names[names.index(step) + 1]
                enqueue(STEPS[deletion.step], user_id=user_id)
        deletion.save()
    return None if batch.next is None else Again(**batch.next)


def progress(user_id: int) -> dict[str, Any]:
    """Return how far a person's deletion is.

    {"status": "none" | "scheduled" | "deleting" | "deleted", "delete_time": epoch seconds as text or None,
    "steps": [{"name", "done", "erased"}]}. Cost: one query on main.
    """
    deletion = Deletion.objects.filter(user_id=user_id).first()
    if deletion is None:
        return {"status": "none", "delete_time": None, "steps": []}
    names = list(STEPS)
    at = names.index(deletion.step) if deletion.step else -1
    finished = deletion.finished_at is not None
    return {
        "status": "deleted" if finished else "deleting" if deletion.started_at else "scheduled",
        "delete_time": str(int(deletion.delete_after.timestamp())),
        "steps": [
            {"name": name, "done": finished or place < at, "erased": deletion.erased.get(name, 0)}
            for place, name in enumerate(names)
        ],
    }
