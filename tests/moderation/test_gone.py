"""Cases of what was deleted meanwhile are closed as gone, and count against nobody."""

import pytest

from accounts.models import Report
from accounts.services import request_deletion
from jobs.testing import run_until_idle
from moderation import gone, queue
from moderation.models import Case, Decision, Verdict
from tests.moderation.test_decisions import case_of, decide, report, reported
from tests.support.people import a_person
from tests.support.store import photo_id


def test_deleting_a_photo_closes_its_case_and_those_of_its_comments():
    anna, ben, media, case = reported()
    comment = ben.post(f"/v1/media/{media['id']}/comments", text="buy now")["data"]
    report(anna, f"media/{media['id']}/comments/{comment['id']}")
    below = case_of(int(comment["id"]))

    anna.delete(f"/v1/media/{media['id']}")
    run_until_idle()

    closed = Case.objects.filter(pk__in=[case.pk, below.pk]).exclude(closed_at=None)
    assert [each.is_gone for each in closed] == [True, True]
    assert not Decision.objects.filter(case__in=[case, below]).exists()
    assert set(Report.objects.filter(target_id=case.target_id).values_list("review", flat=True)) == {"open"}


def test_who_has_the_case_of_what_is_deleted_meanwhile_is_told_so():
    anna, _, media, case = reported()
    moderator = a_person()
    queue.claim(case.pk, moderator_id=moderator.id)
    anna.delete(f"/v1/media/{media['id']}")
    run_until_idle()

    with pytest.raises(gone.GoneError):
        decide(case, Verdict.REMOVE, moderator)
    with pytest.raises(gone.GoneError):
        queue.claim(case.pk, moderator_id=moderator.id)


def test_deleting_a_comment_closes_its_case():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    comment = ben.post(f"/v1/media/{media['id']}/comments", text="buy now")["data"]
    report(anna, f"media/{media['id']}/comments/{comment['id']}")
    case = case_of(int(comment["id"]))

    ben.delete(f"/v1/media/{media['id']}/comments/{comment['id']}")
    run_until_idle()

    assert Case.objects.get(pk=case.pk).is_gone


def test_deleting_an_account_closes_the_cases_about_it():
    anna, _, _, case = reported()
    report(a_person(), f"users/{anna.id}")
    own = case_of(anna.id, kind="user")

    request_deletion(anna.id, at_once=True)
    run_until_idle()

    assert set(Case.objects.filter(pk__in=[case.pk, own.pk]).values_list("is_gone", flat=True)) == {True}


def test_a_late_report_of_what_is_gone_opens_no_case():
    anna, _, media, case = reported()
    anna.delete(f"/v1/media/{media['id']}")
    run_until_idle()

    queue.note_reports(kind=case.kind, target_id=case.target_id, about_user_id=anna.id)

    assert not Case.objects.filter(target_id=photo_id(media), closed_at=None).exists()


def test_what_staff_holds_is_not_gone():
    *_, media, case = reported()
    decide(case, Verdict.REMOVE)

    assert not gone.is_gone("media", photo_id(media))
    assert gone.close_those_gone("media", [photo_id(media)]) == 0
