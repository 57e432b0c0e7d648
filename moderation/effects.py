"""What decisions do to their targets. The decisions that stand say what a target is to be; effects bring it there.

So they may run twice, late and side by side: each reads the decisions again after it has acted, and acts once more if
they changed.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts import reports
from accounts.services import suspension
from instagram.errors import InvalidParameters, NotFound
from photos.models import Comment
from photos.services import comments, holding
from sharding import shard_of_object

from .models import REMOVALS, Decision, Kind, Verdict

#: Looks at the decisions about a target that change all the time; whoever changed them last comes by again.
LOOKS = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a target is to be, and its owner.

    hidden: the last word on whether public lists have it was to hide it.
    suspending: the latest decision about the target, if it suspends. suspended: some decision about the owner does.
    """

    removed: bool
    hidden: bool
    suspending: int | None
    suspended: bool


def bring_up(kind: str, target_id: int, about_user_id: int) -> None:
    """Bring a target and its owner to what the decisions that stand say. Safe to repeat.

    Raises ShardUnavailable: then it is to be called again.
    """
    wanted = _wanted(kind, target_id, about_user_id)
    for _ in range(LOOKS):
        _apply(kind, target_id, about_user_id, wanted)
        seen, wanted = wanted, _wanted(kind, target_id, about_user_id)
        if wanted == seen:
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


def _wanted(kind: str, target_id: int, about_user_id: int) -> Wanted:
    standing = Decision.objects.filter(kind=kind, target_id=target_id, undone_at=None).order_by("id")
    by_id = dict(standing.values_list("id", "verdict"))
    # Who finds nothing wrong with what was hidden before has it shown again, also when that is too old to be undone.
    on_lists = [verdict for verdict in by_id.values() if verdict in {Verdict.HIDE, Verdict.DISMISS}]
    latest = max(by_id, default=0)
    suspending = Decision.objects.filter(about_user_id=about_user_id, verdict=Verdict.SUSPEND, undone_at=None)
    return Wanted(
        removed=any(verdict in REMOVALS for verdict in by_id.values()),
        hidden=on_lists[-1:] == [Verdict.HIDE.value],
        suspending=latest if by_id.get(latest) == Verdict.SUSPEND else None,
        suspended=suspending.exists(),
    )


def _apply(kind: str, target_id: int, about_user_id: int, wanted: Wanted) -> None:
    _suspend(about_user_id, wanted)  # first: it waits for no shard
    if kind == Kind.MEDIA:
        with transaction.atomic():
            reports.set_hidden([target_id], hidden=wanted.hidden)
        _tolerating(lambda: (holding.hold_photo if wanted.removed else holding.put_back)(target_id))
    elif kind == Kind.COMMENT:
        photo_id = photo_of_comment(target_id)
        turn = comments.hold_comment if wanted.removed else comments.put_comment_back
        if photo_id is not None:
            _tolerating(lambda: turn(photo_id=photo_id, comment_id=target_id))


def _suspend(user_id: int, wanted: Wanted) -> None:
    """Suspend a person for a decision, or end what a decision had begun: not what staff did beside it.

    Only the latest decision begins one, so that a suspension that staff or time has ended does not come back later.
    """
    row = suspension.suspension_of(user_id)
    if wanted.suspending is not None and row is None:
        _tolerating(lambda: suspension.suspend(user_id, decision_id=wanted.suspending))
    elif not wanted.suspended and row is not None and row.decision_id is not None:
        _tolerating(lambda: suspension.unsuspend(user_id))


def _tolerating(act: Callable[[], Any]) -> None:
    """Act; what was deleted meanwhile, or is being deleted with its owner, needs nothing more."""
    with contextlib.suppress(NotFound, InvalidParameters):
        act()
