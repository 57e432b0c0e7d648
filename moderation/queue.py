"""The queue: one open case per target, the heaviest and oldest first, each looked at by one moderator at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import Report, User
from instagram.errors import NotFound

from .errors import ClaimedByAnotherError, OwnCaseError, TooLateError
from .gone import GoneError
from .models import Case, Decision
from .weights import weight_of

#: Cases on one page of the queue at most.
PAGE_MAX = 100
#: A case of so many reporters takes in new reports once in NOTE_S; one of fewer at once.
NOTE_AT_ONCE, NOTE_S = 20, 30.0
#: Between hosts, at most.
CLOCKS_DIFFER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of the queue ended: the rank and id of its last case."""

    rank: float
    case_id: int


def may_wait(*, kind: str, target_id: int) -> bool:
    """Return whether a case of many reporters was brought up to its reports just now: the next ones can wait NOTE_S.

    Each time reads and weighs all its reporters; of a photo that thousands report at once that is done once in NOTE_S.
    Cost: one query on main.
    """
    since = timezone.now() - timedelta(seconds=NOTE_S)
    return Case.objects.filter(
        kind=kind, target_id=target_id, closed_at=None, reporters__gte=NOTE_AT_ONCE, noted_at__gt=since
    ).exists()


def was_noted_since(moment: float, *, kind: str, target_id: int) -> bool:
    """Return whether a case was brought up to its reports after a moment, seconds since 1970. Cost: as may_wait()."""
    after = datetime.fromtimestamp(moment, tz=UTC) + CLOCKS_DIFFER
    return Case.objects.filter(kind=kind, target_id=target_id, closed_at=None, noted_at__gt=after).exists()


def note_reports(*, kind: str, target_id: int, about_user_id: int) -> None:
    """Bring the open case of a target up to its open reports; one that has none is opened. Safe to repeat.

    Cost: six queries on main, one on the owner's shard; grows with the reporters.
    """
    with transaction.atomic():
        found = Report.objects.filter(kind=kind, target_id=target_id, review=Report.Review.OPEN)
        latest = Case.objects.filter(kind=kind, target_id=target_id).order_by("-id").first()
        is_open = latest is not None and latest.closed_at is None
        if not is_open and ((latest is not None and latest.is_gone) or not found.exists()):
            return  # all decided, perhaps by the decision that this job came with; or there is nothing left to decide
        case = _open_case(kind, target_id, about_user_id)
        # Under the lock, and the time before: who comes later has read no less, and says so.
        now = timezone.now()
        reports = list(found.values_list("reporter_id", "reason", "created_at"))
        if not reports and not case.flags:
            case.closed_at = now
        case.noted_at, case.reporters = now, len(reports)
        case.reasons = dict(Counter(reason for _, reason, _ in reports))
        case.last_at = max((at for _, _, at in reports), default=case.last_at)
        case.weight = weight_of(
            reporter_ids=[reporter for reporter, _, _ in reports], flags=len(case.flags), about_user_id=about_user_id
        )
        case.save()


def flag(*, kind: str, target_id: int, about_user_id: int, finding: Mapping[str, Any]) -> None:
    """Put what a program found into the queue: {"source": "look_alike", …}. The same finding stands there once."""
    with transaction.atomic():
        case = _open_case(kind, target_id, about_user_id)
        if dict(finding) not in case.flags:
            case.flags = [*case.flags, dict(finding)]
            case.last_at = timezone.now()
            case.save(update_fields=["flags", "last_at"])
    note_reports(kind=kind, target_id=target_id, about_user_id=about_user_id)


def open_cases(
    *,
    kind: str | None = None,
    source: str | None = None,
    reason: str | None = None,
    about: int | None = None,
    holder: int | None = None,
) -> QuerySet[Case]:
    """Return what waits, the heaviest first; each day that a case waits doubles its weight (Case.rank).

    source: "reports", or of flags. reason: of at least one report. about: whose it is. holder: who looks at it now.
    """
    cases = Case.objects.filter(closed_at=None).select_related("claimed_by").order_by("-rank", "id")
    if kind:
        cases = cases.filter(kind=kind)
    if source == "reports":
        cases = cases.filter(reporters__gt=0)
    elif source:
        cases = cases.filter(flags__contains=[{"source": source}])
    if reason:
        cases = cases.filter(reasons__has_key=reason)
    if about:
        cases = cases.filter(about_user_id=about)
    if holder:
        cases = cases.filter(claimed_by=holder, claimed_until__gt=timezone.now())
    return cases


def page_of(cases: QuerySet[Case], *, after: Cursor | None = None, count: int = 50) -> Sequence[Case]:
    """Return a page of open_cases(). Cost: one query on main.

    By an index in the order of the queue; of what fits few of very many (a program's findings) all that fit are
    found by an index of their own, and sorted.
    """
    if after is not None:
        cases = cases.filter(Q(rank__lt=after.rank) | Q(rank=after.rank, id__gt=after.case_id))
    return list(cases[: min(count, PAGE_MAX)])


def is_own(about: Case | Decision, user_id: int) -> bool:
    """Return whether a case, or what was decided, is somebody's own: about them, or reported by them.

    Their verdict on their own report would raise their own word's weight. Cost: one query on main, by index.
    """
    return about.about_user_id == user_id or _reported_by(user_id, about.kind, about.target_id).exists()


def free_for(moderator_id: int, cases: QuerySet[Case]) -> QuerySet[Case]:
    """Return the cases that nobody else is looking at, and that are not the moderator's own (is_own())."""
    reported = _reported_by(moderator_id, OuterRef("kind"), OuterRef("target_id"))
    cases = cases.exclude(about_user_id=moderator_id).exclude(Exists(reported))
    return cases.filter(Q(claimed_until=None) | Q(claimed_until__lt=timezone.now()) | Q(claimed_by=moderator_id))


def neighbours(case: Case, cases: QuerySet[Case], *, moderator_id: int, forward: bool) -> QuerySet[Case]:
    """Return those of open_cases() that come after a case (or before it), the nearest first, free for a moderator."""
    cases = free_for(moderator_id, cases).exclude(pk=case.pk)
    if forward:
        later = Q(rank__lt=case.rank) | Q(rank=case.rank, id__gt=case.pk)
        return cases.filter(later)
    earlier = Q(rank__gt=case.rank) | Q(rank=case.rank, id__lt=case.pk)
    return cases.filter(earlier).order_by("rank", "-id")


def claim(case_id: int, *, moderator_id: int) -> Case:
    """Keep a case for a moderator for CLAIM_S; once more begins them anew.

    Raises ClaimedByAnotherError, OwnCaseError, TooLateError for one that is decided, NotFound.
    """
    now = timezone.now()
    free = free_for(moderator_id, Case.objects.filter(pk=case_id, closed_at=None))
    taken = free.update(claimed_by_id=moderator_id, claimed_until=now + timedelta(seconds=settings.CLAIM_S))
    if not taken:
        raise _why_not(case_id, moderator_id)
    return Case.objects.select_related("claimed_by").get(pk=case_id)


def release(case_id: int, *, moderator_id: int) -> bool:
    """Give a claimed case back; nothing, and False, if it is somebody else's."""
    mine = Case.objects.filter(pk=case_id, claimed_by=moderator_id)
    return mine.update(claimed_by=None, claimed_until=None) > 0


def held_by(case: Case) -> User | None:
    """Return who is looking at a case now."""
    is_claimed = case.claimed_until is not None and case.claimed_until > timezone.now()
    return case.claimed_by if is_claimed else None


def _why_not(case_id: int, moderator_id: int) -> Exception:
    case = Case.objects.select_related("claimed_by").filter(pk=case_id).first()
    if case is None:
        return NotFound(what="case")
    if case.closed_at is not None:
        return GoneError() if case.is_gone else TooLateError("this case is decided")
    if is_own(case, moderator_id):
        return OwnCaseError()
    return ClaimedByAnotherError(who=case.claimed_by.username if case.claimed_by else "somebody")


def _reported_by(user_id: int, kind: Any, target_id: Any) -> QuerySet[Report]:
    """Return somebody's report of a target, whatever was said of it. kind, target_id: values, or an outer query's."""
    return Report.objects.filter(reporter_id=user_id, kind=kind, target_id=target_id)


def _open_case(kind: str, target_id: int, about_user_id: int) -> Case:
    """Return the open case of a target, locked, in the caller's transaction; a new one if there is none."""
    Case.objects.bulk_create(
        [Case(kind=kind, target_id=target_id, about_user_id=about_user_id)],
        ignore_conflicts=True,
    )
    return Case.objects.select_for_update().get(kind=kind, target_id=target_id, closed_at=None)
