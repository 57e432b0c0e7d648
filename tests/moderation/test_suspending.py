"""A suspension by a decision begins and ends with it, and touches no other one."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.services import suspend, unsuspend
from accounts.services.suspension import suspension_of
from moderation import effects
from moderation.models import Verdict
from tests.moderation.test_decisions import case_of, decide, feed_of, report, reported, undo
from tests.support.people import a_person
from tests.support.store import photo_id


def is_shut_out(person) -> bool:
    return Client().get("/v1/users/self/feed", {"access_token": person.token}).status_code == 400


def another_case(anna):
    """Return a case about another photo of the same person."""
    other = anna.upload()
    report(a_person(), f"media/{other['id']}")
    return case_of(photo_id(other))


def test_a_suspended_person_cannot_do_anything_until_the_undo():
    anna, ben, media, case = reported()

    decision = decide(case, Verdict.SUSPEND)
    assert feed_of(ben) == []
    assert Client().get("/v1/users/self/feed", {"access_token": anna.token}).status_code == 400

    undo(decision)
    assert feed_of(ben) == [media["id"]]
    assert anna.get("/v1/users/self/feed")["meta"]["code"] == 200


def test_an_undo_lifts_no_suspension_that_another_decision_made():
    anna, _, _, case = reported()
    first = decide(another_case(anna), Verdict.SUSPEND)
    decide(case, Verdict.SUSPEND)

    undo(first)

    assert is_shut_out(anna)


def test_a_suspension_that_staff_ended_does_not_come_back_with_the_next_decision():
    anna, _, media, case = reported()
    decide(case, Verdict.SUSPEND)
    unsuspend(anna.id)

    report(a_person(), f"media/{media['id']}")
    decide(case_of(photo_id(media)), Verdict.HIDE)
    decide(another_case(anna), Verdict.DISMISS)

    assert not is_shut_out(anna)


@pytest.mark.parametrize("undone", ["an older decision", "a newer decision"])
def test_a_suspension_that_staff_ended_does_not_come_back_with_the_undo_of(undone):
    anna, _, media, case = reported()
    older = decide(case, Verdict.HIDE)
    report(a_person(), f"media/{media['id']}")
    decide(case_of(photo_id(media)), Verdict.SUSPEND)
    unsuspend(anna.id)

    if undone == "a newer decision":
        report(a_person(), f"media/{media['id']}")
        undo(decide(case_of(photo_id(media)), Verdict.HIDE))
    else:
        undo(older)

    assert not is_shut_out(anna)


def test_a_suspension_that_staff_ended_does_not_come_back_with_a_job_that_is_late():
    anna, _, media, case = reported()
    decide(case, Verdict.SUSPEND)
    unsuspend(anna.id)

    effects.bring_up("media", photo_id(media), anna.id)

    assert not is_shut_out(anna)


def test_a_decision_lengthens_a_suspension_and_its_undo_lets_the_earlier_one_go_on():
    anna, _, _, case = reported()
    until = timezone.now() + timedelta(days=1)
    suspend(anna.id, until=until, told="a day of rest")

    decision = decide(case, Verdict.SUSPEND)
    row = suspension_of(anna.id)
    assert (row.until, row.told, row.decision_id) == (None, "a day of rest", decision.pk)

    undo(decision)
    row = suspension_of(anna.id)
    assert (row.until, row.told, row.decision_id) == (until, "a day of rest", None)
    assert is_shut_out(anna)


def test_an_earlier_suspension_whose_time_is_over_does_not_go_on_after_the_undo():
    anna, _, _, case = reported()
    suspend(anna.id, until=timezone.now() + timedelta(seconds=1))
    decision = decide(case, Verdict.SUSPEND)

    undo(decision)

    assert not is_shut_out(anna)


def test_two_decisions_that_suspend_are_undone_in_any_order():
    anna, _, _, case = reported()
    other = another_case(anna)
    first, second = decide(case, Verdict.SUSPEND), decide(other, Verdict.SUSPEND)

    undo(second)
    assert is_shut_out(anna)
    undo(first)
    assert not is_shut_out(anna)


def test_what_staff_put_in_the_place_of_a_decisions_suspension_stays_after_its_undo():
    anna, _, _, case = reported()
    decision = decide(case, Verdict.SUSPEND)
    suspend(anna.id, until=timezone.now() + timedelta(days=7))

    undo(decision)

    assert suspension_of(anna.id).decision_id is None
    assert is_shut_out(anna)
