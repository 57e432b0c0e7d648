"""Moderators' cases for tests, which share a queue."""

from django.http import HttpResponse

from jobs.testing import run_until_idle
from moderation.models import Case, Verdict
from tests.support.people import a_person
from tests.support.staff import Staff


def to_front(*cases: Case, step: float = 0.25) -> None:
    """Put cases at the front of the queue, in this order, before all that earlier tests left there."""
    first = 1e6 + cases[0].pk
    for place, case in enumerate(cases):
        # Of the weight one: the rank is what is given here.
        Case.objects.filter(pk=case.pk).update(weight=1.0, waits_from=place * step - first)


def claim(desk: Staff, case: Case) -> None:
    """Take a case."""
    answer = desk.post(f"reports/{case.pk}/claim/")
    assert answer.status_code == 302, answer.content[:300]


def decide(desk: Staff, case: Case, verdict: Verdict, why: str = "it sells pills") -> HttpResponse:
    """Decide a case; return the answer, with all effects there."""
    answer = desk.post(f"reports/{case.pk}/decide/", verdict=verdict, why=why)
    run_until_idle()
    return answer


def a_case(**report: str) -> Case:
    """Return the case of a new photo; of its author, where a report says so."""
    anna = a_person()
    media = anna.upload()
    path = f"users/{anna.id}" if report.pop("kind", "media") == "user" else f"media/{media['id']}"
    a_person().post(f"/v1/{path}/report", **{"reason": "spam", **report})
    run_until_idle()
    return Case.objects.get(about_user_id=anna.id, closed_at=None)


def three_cases() -> list[Case]:
    """Return three cases at the front of the queue, in its order."""
    found = [a_case() for _ in range(3)]
    to_front(*found)
    return found
