"""Deciding a case, and undoing that: rows on main first, then effects, which a job repeats until they are there.

A suspension is on main, too, and in the decision's transaction.
"""

import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Report
from accounts.reports import forget
from instagram.errors import InvalidParameters, NotFound
from jobs import enqueue
from photos.services import comments, holding
from sharding import ShardUnavailable

from . import effects, queue, suspending
from .errors import ClaimedByAnotherError, OwnCaseError, TooLateError
from .gone import GoneError
from .models import REMOVALS, Case, Decision, Kind, Verdict, today
from .standing import standing_of

log = logging.getLogger(__name__)

REASON_MAX_CHARS, TOLD_MAX_CHARS = 1_000, 300
#: Which verdicts fit which target: of a person's account nothing can be removed but the whole.
FITTING = {
    Kind.MEDIA: tuple(Verdict),
    Kind.COMMENT: (Verdict.DISMISS, *REMOVALS, Verdict.SUSPEND),
    Kind.USER: (Verdict.DISMISS, Verdict.SUSPEND),
}
#: Decisions that are made final in one run.
FINAL_BATCH = 100


def decide(
    case_id: int,
    *,
    moderator_id: int,
    verdict: str,
    reason: str,
    told: str = "",
    suspend_until: datetime | None = None,
    noted: Callable[[Decision], object] | None = None,
    effects_now: bool = True,
) -> Decision:
    """Decide a case for all its reports; the effect is there when this returns, or comes when its server is back.

    reason: for staff. told: what its owner reads, word for word, in a warning, which needs it, or when suspended.
    suspend_until: None: until staff ends it.
    noted: called in the decision's transaction, for whoever writes it down. effects_now: False where a transaction on
    main is open around this: then the effect comes by a job, a moment after its commit.
    Raises InvalidParameters, NotFound, ClaimedByAnotherError, OwnCaseError, TooLateError for a case that is decided.
    """
    reason, told = _checked(reason), _checked_told(told, verdict)
    if suspend_until is not None and suspend_until <= timezone.now():
        raise InvalidParameters("suspend_until: a day to come")
    # Before the transaction: it asks a shard.
    was = _as_it_is(case_id)
    with transaction.atomic():
        case = _decidable(case_id, moderator_id=moderator_id, verdict=verdict)
        decision = Decision.objects.create(
            case=case,
            kind=case.kind,
            target_id=case.target_id,
            about_user_id=case.about_user_id,
            verdict=verdict,
            reason=reason,
            told=told,
            suspend_until=suspend_until if verdict == Verdict.SUSPEND else None,
            moderator_id=moderator_id,
            before={**was, "reviews": _review(case, Verdict(verdict))},
        )
        if verdict == Verdict.SUSPEND:
            suspending.begin(decision)
        case.closed_at, case.claimed_by, case.claimed_until = timezone.now(), None, None
        case.save(update_fields=["closed_at", "claimed_by", "claimed_until"])
        if verdict == Verdict.REMOVE_AND_WARN:
            enqueue("moderation.warn", delay_s=settings.WARN_AFTER_S, decision_id=decision.pk)
        _enqueue("moderation.bring_up", decision)
        if decision.kind == Kind.MEDIA and decision.verdict in REMOVALS:
            enqueue("moderation.remember_picture", decision_id=decision.pk)
        if noted is not None:
            noted(decision)
    if effects_now:
        _bring_up_now(decision)
    return decision


def undo(decision_id: int, *, moderator_id: int, reason: str) -> Decision:
    """Undo a decision: its target is as before, its reports are open, the case waits again.

    The effect comes by a job, a moment after the commit of the transaction this is called in.
    Raises InvalidParameters, NotFound, OwnCaseError, TooLateError for one that is undone or final, or older than
    UNDO_DAYS.
    """
    reason = _checked(reason)
    with transaction.atomic():
        decision = Decision.objects.select_for_update().filter(pk=decision_id).first()
        if decision is None:
            raise NotFound(what="decision")
        if queue.is_own(decision, moderator_id):
            raise OwnCaseError
        if decision.undone_at is not None:
            raise TooLateError("this decision is undone")
        if decision.final_at is not None or timezone.now() >= undoable_until(decision):
            raise TooLateError(f"this decision is older than {settings.UNDO_DAYS} days")
        decision.undone_at, decision.undone_by_id, decision.undo_reason = timezone.now(), moderator_id, reason
        decision.save(update_fields=["undone_at", "undone_by", "undo_reason"])
        # All were open: a decision answers no others.
        Report.objects.filter(pk__in=decision.before["reviews"]).update(review=Report.Review.OPEN)
        if decision.kind == Kind.MEDIA:
            forget([decision.target_id])
        if decision.verdict == Verdict.SUSPEND:
            suspending.take_back(decision)
        _reopen(decision)
        _enqueue("moderation.bring_up", decision)
        if decision.kind == Kind.MEDIA and decision.verdict in REMOVALS:
            enqueue("moderation.remember_picture", decision_id=decision.pk)
    return decision


def undoable_until(decision: Decision) -> datetime:
    """Return until when a decision can be undone."""
    return decision.made_at + timedelta(days=settings.UNDO_DAYS)


def make_final() -> int:
    """End the time in which decisions can be undone that stand since UNDO_DAYS; return how many became final.

    What they removed is deleted by a job each, so that none waits for the server of another. Safe to repeat.
    """
    before = timezone.now() - timedelta(days=settings.UNDO_DAYS)
    with transaction.atomic():
        # What somebody is undoing at this moment is locked: the next run looks again.
        old = Decision.objects.select_for_update(skip_locked=True).filter(made_at__lt=before)
        batch = list(old.filter(undone_at=None, final_at=None).order_by("made_at")[:FINAL_BATCH])
        Decision.objects.filter(pk__in=[each.pk for each in batch]).update(final_at=timezone.now())
        for decision in batch:
            if decision.verdict in REMOVALS:
                enqueue("moderation.delete_for_good", decision_id=decision.pk)
    return len(batch)


def delete_for_good(decision_id: int) -> None:
    """Delete what a final decision removed. Safe to repeat. Raises ShardUnavailable."""
    decision = Decision.objects.filter(pk=decision_id, verdict__in=REMOVALS).exclude(final_at=None).first()
    if decision is None:
        return
    if decision.kind == Kind.MEDIA:
        with contextlib.suppress(NotFound):
            holding.give_up(decision.target_id)
    elif (photo_id := effects.photo_of_comment(decision.target_id)) is not None:
        comments.withdraw_comment(photo_id=photo_id, comment_id=decision.target_id)


def _as_it_is(case_id: int) -> dict[str, Any]:
    case = Case.objects.filter(pk=case_id).first()
    if case is None:
        raise NotFound(what="case")
    return standing_of(case.kind, case.target_id, case.about_user_id)


def _decidable(case_id: int, *, moderator_id: int, verdict: str) -> Case:
    """Return a case, locked, that this moderator may decide so. Raises what decide() does."""
    case = Case.objects.select_for_update().get(pk=case_id)
    if case.closed_at is not None:
        raise GoneError if case.is_gone else TooLateError("this case is decided")
    if queue.is_own(case, moderator_id):
        raise OwnCaseError
    holder = queue.held_by(case)
    if holder is not None and holder.pk != moderator_id:
        raise ClaimedByAnotherError(who=holder.username)
    if verdict not in FITTING[Kind(case.kind)]:
        raise InvalidParameters(f"verdict: {verdict or 'nothing'} does not fit a {case.kind}")
    return case


def _review(case: Case, verdict: Verdict) -> dict[str, str]:
    """Write the verdict on the open reports of a case; return what they were, by id."""
    review = Report.Review.DISMISSED if verdict == Verdict.DISMISS else Report.Review.UPHELD
    found = Report.objects.filter(kind=case.kind, target_id=case.target_id, review=Report.Review.OPEN)
    before = {str(pk): was for pk, was in found.values_list("pk", "review")}
    Report.objects.filter(pk__in=before).update(review=review)
    if case.kind == Kind.MEDIA:
        forget([case.target_id])
    return before


def _reopen(decision: Decision) -> None:
    """Have the case wait again, unless another one does by now: that takes in the old reports and findings.

    What staff opened itself, to decide it at once, waits for nobody: without reports note_reports() closes it.
    """
    case = Case.objects.select_for_update().get(pk=decision.case_id)
    found = [flag for flag in case.flags if flag["source"] != "staff"]
    same = Case.objects.select_for_update().filter(kind=case.kind, target_id=case.target_id, closed_at=None).first()
    if same is None:
        case.flags, case.closed_at, case.waits_from = found, None, today()
        case.save(update_fields=["flags", "closed_at", "waits_from"])
    else:
        same.flags = [*same.flags, *(flag for flag in found if flag not in same.flags)]
        same.save(update_fields=["flags"])
    _enqueue("moderation.note_reports", decision)


def _enqueue(task: str, decision: Decision) -> None:
    enqueue(task, kind=decision.kind, target_id=decision.target_id, about_user_id=decision.about_user_id)


def _bring_up_now(decision: Decision) -> None:
    """Do at once what the job would do in a moment: the moderator sees it done."""
    try:
        effects.bring_up(decision.kind, decision.target_id, decision.about_user_id)
    except ShardUnavailable as error:
        log.warning("decision %s takes effect when %s is back", decision.pk, error)


def _checked_told(told: str, verdict: str) -> str:
    told = told.strip()
    if verdict == Verdict.REMOVE_AND_WARN and not told:
        raise InvalidParameters("tell them: say what is wrong with it, for its owner to read")
    if len(told) > TOLD_MAX_CHARS:
        raise InvalidParameters(f"tell them: at most {TOLD_MAX_CHARS} characters")
    return told


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise InvalidParameters("reason: say why, for those who read it later")
    if len(reason) > REASON_MAX_CHARS:
        raise InvalidParameters(f"reason: at most {REASON_MAX_CHARS} characters")
    return reason
