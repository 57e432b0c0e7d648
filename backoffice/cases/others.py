"""Other open cases about the same person, which one decision can answer with its own."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from instagram.errors import APIError
from moderation import decisions, queue
from moderation.models import Case, Decision, Kind, Verdict

#: Answered together at most: each is a decision of its own, with its own undo.
MOST = 20


def others_of(case: Case, moderator_id: int) -> list[Case]:
    """Return the other open cases about a case's person that a moderator may decide, the foremost MOST and one more.

    Cost: one query on main.
    """
    cases = queue.free_for(moderator_id, queue.open_cases(about=case.about_user_id))
    return list(cases.exclude(pk=case.pk)[: MOST + 1])


def answer_others(
    case: Case,
    *,
    moderator_id: int,
    verdict: Verdict,
    reason: str,
    told: str,
    suspend_until: datetime | None,
    noted: Callable[[Case, Decision], object],
) -> int:
    """Decide the others as a case was decided; return how many. What a verdict does not fit stays.

    A warning is one mail, of the first: the others are removed without another. Effects come by jobs.
    """
    verdict = Verdict.REMOVE if verdict == Verdict.REMOVE_AND_WARN else verdict
    answered = 0
    for other in others_of(case, moderator_id)[:MOST]:
        if verdict not in decisions.FITTING[Kind(other.kind)]:
            continue
        try:
            decisions.decide(
                other.pk,
                moderator_id=moderator_id,
                verdict=verdict,
                reason=reason,
                told=told,
                suspend_until=suspend_until,
                noted=partial(noted, other),
                effects_now=False,
            )
        except APIError:
            continue  # a colleague was faster
        answered += 1
    return answered
