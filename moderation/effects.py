"""What decisions do to their targets. The decisions that stand say what a target is to be; effects bring it there.

So they may run twice, late and side by side: each reads the decisions again after it has acted, and acts once more if
they changed. (What a decision does to its owner is in suspending.py.)
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts import reports
from instagram.errors import NotFound
from photos.models import Comment
from photos.services import comments, holding
from sharding import shard_of_object

from .models import REMOVALS, Decision, Kind, Verdict
from .standing import note_after

#: Looks at the decisions about a target that change all the time; whoever changed them last comes by again.
LOOKS = 5
#: Verdicts that say whether public lists have a photo.
ON_LISTS = (Verdict.HIDE, Verdict.DISMISS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a target is to be. hidden: the last word on whether public lists have it was to hide it.

    None: nobody ever decided that, and it stays as it is: some are hidden since before there were decisions.
    """

    removed: bool
    hidden: bool | None


def bring_up(kind: str, target_id: int, about_user_id: int) -> None:
    """Bring a target to what the decisions that stand say, and note how it stands then. Safe to repeat.

    about_user_id: its owner. Raises ShardUnavailable: then it is to be called again.
    """
    wanted = _wanted(kind, target_id)
    for _ in range(LOOKS):
        _apply(kind, target_id, wanted)
        seen, wanted = wanted, _wanted(kind, target_id)
        if wanted == seen:
            note_after(kind, target_id, about_user_id)
            return


def photo_of_comment(comment_id: int) -> int | None:
    """Return under which photo a comment stands, whatever its state; None if it is gone. Cost: one query.

    Raises ShardUnavailable.
    """
    try:
        found = shard_of_object(comment_id).model(Comment).objects.filter(id=comment_id)
    except ValueError:
        return None
    return found.values_list("photo_id", flat=True).first()


def _wanted(kind: str, target_id: int) -> Wanted:
    made = Decision.objects.filter(kind=kind, target_id=target_id).order_by("id").values_list("verdict", "undone_at")
    verdicts = list(made)
    standing = [verdict for verdict, undone_at in verdicts if undone_at is None]
    # Who finds nothing wrong with what was hidden before has it shown again, also when that is too old to be undone.
    on_lists = [verdict for verdict in standing if verdict in ON_LISTS]
    return Wanted(
        removed=any(verdict in REMOVALS for verdict in standing),
        hidden=on_lists[-1:] == [Verdict.HIDE.value] if any(verdict in ON_LISTS for verdict, _ in verdicts) else None,
    )


def _apply(kind: str, target_id: int, wanted: Wanted) -> None:
    if kind == Kind.MEDIA:
        if wanted.hidden is not None:
            with transaction.atomic():
                reports.set_hidden([target_id], hidden=wanted.hidden)
        _tolerating(lambda: (holding.hold_photo if wanted.removed else holding.put_back)(target_id))
    elif kind == Kind.COMMENT:
        photo_id = photo_of_comment(target_id)
        turn = comments.hold_comment if wanted.removed else comments.put_comment_back
        if photo_id is not None:
            _tolerating(lambda: turn(photo_id=photo_id, comment_id=target_id))


def _tolerating(act: Callable[[], Any]) -> None:
    """Act; what was deleted meanwhile needs nothing more."""
    with contextlib.suppress(NotFound):
        act()
