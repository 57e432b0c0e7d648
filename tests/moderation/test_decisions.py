"""Cases are weighed, claimed, decided and undone; what was decided is so everywhere, and as before after an undo."""

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import Report
from accounts.services import suspend
from instagram.errors import InvalidParameters
from jobs import NotNow
from jobs.testing import run_until_idle
from moderation import decisions, queue, warnings
from moderation.errors import ClaimedByAnotherError, OwnCaseError, TooLateError
from moderation.models import Case, Decision, Verdict
from tests.support.people import a_person, refusal
from tests.support.store import photo_id, status


def report(person, path, reason="spam"):
    person.post(f"/v1/{path}/report", reason=reason)


def case_of(target_id, **facts):
    run_until_idle()
    return Case.objects.get(target_id=target_id, closed_at=None, **facts)


def reported(*reporters):
    """Return a photo's author, a follower of theirs, the photo, and its case."""
    anna, ben = a_person(), a_person()
    ben.follow(anna)
    media = anna.upload(caption=f"#m{anna.id}")
    for each in reporters or (a_person(),):
        report(each, f"media/{media['id']}")
    return anna, ben, media, case_of(photo_id(media))


def feed_of(person):
    return [each["id"] for each in person.get("/v1/users/self/feed")["data"]]


def tagged(person, anna):
    return [each["id"] for each in person.get(f"/v1/tags/m{anna.id}/media/recent")["data"]]


def decide(case, verdict, moderator=None):
    moderator = moderator or a_person()
    decision = decisions.decide(case.pk, moderator_id=moderator.id, verdict=verdict, reason="it is spam")
    run_until_idle()
    return decision


def undo(decision):
    decisions.undo(decision.pk, moderator_id=a_person().id, reason="it was none")
    run_until_idle()


def warnings_to(person):
    address = [f"{person.username}@example.com"]
    return [each for each in mail.outbox if each.to == address and "removed" in each.subject]


def test_reports_of_one_target_are_one_case_that_counts_people_and_reasons():
    ben, carl = a_person(), a_person()
    _, _, media, case = reported(ben)
    report(carl, f"media/{media['id']}", "nudity")
    report(carl, f"media/{media['id']}", "nudity")

    case = case_of(photo_id(media))

    assert (case.reporters, case.reasons) == (2, {"spam": 1, "nudity": 1})


def test_who_was_right_before_weighs_more_than_who_was_wrong():
    right, wrong = a_person(), a_person()
    for person, verdict in ((right, Verdict.HIDE), (wrong, Verdict.DISMISS)):
        for _ in range(2):
            decide(reported(person)[3], verdict)

    heavy, light = reported(right)[3], reported(wrong)[3]

    assert heavy.weight / light.weight == pytest.approx(3.0, rel=0.01)  # (2+1)/(2+2) to (0+1)/(2+2), the same reach


def test_a_case_that_somebody_looks_at_is_kept_from_others_until_the_claim_ends():
    anna, ben = a_person(), a_person()
    *_, case = reported()
    queue.claim(case.pk, moderator_id=anna.id)

    with pytest.raises(ClaimedByAnotherError, match=anna.username):
        queue.claim(case.pk, moderator_id=ben.id)
    with pytest.raises(ClaimedByAnotherError):
        decisions.decide(case.pk, moderator_id=ben.id, verdict=Verdict.DISMISS, reason="mine")
    assert case not in queue.free_for(ben.id, queue.open_cases())
    Case.objects.filter(pk=case.pk).update(claimed_until=timezone.now())
    assert queue.claim(case.pk, moderator_id=ben.id).claimed_by_id == ben.id


def test_the_queue_pages_from_the_heaviest_down_and_neighbours_walk_it():
    cases = [reported()[3] for _ in range(4)]
    for number, case in enumerate(cases):
        Case.objects.filter(pk=case.pk).update(weight=1e6 + cases[0].pk - number // 2 / 4)
    mine = [case.pk for case in cases]
    waiting = queue.open_cases().filter(pk__in=mine)

    first = queue.page_of(waiting, count=3)
    second = queue.page_of(waiting, after=queue.Cursor(first[-1].weight, first[-1].pk), count=3)

    assert [each.pk for each in [*first, *second]] == mine
    assert queue.neighbour(first[0], moderator_id=1, forward=True).pk == mine[1]
    assert queue.neighbour(first[2], moderator_id=1, forward=False).pk == mine[1]


def test_a_removed_photo_is_gone_at_once_and_an_undo_brings_it_back_everywhere():
    anna, ben, media, case = reported()
    address = media["images"]["standard_resolution"]["url"]

    decision = decide(case, Verdict.REMOVE)

    assert feed_of(ben) == tagged(ben, anna) == []
    assert refusal(Client().get(f"/v1/media/{media['id']}", {"access_token": anna.token}))[0] == "APINotFoundError"
    assert status(address) == 404

    undo(decision)

    assert feed_of(ben) == tagged(ben, anna) == [media["id"]]
    assert anna.get(f"/v1/users/{anna.id}")["data"]["counts"]["media"] == 1
    assert case_of(photo_id(media)).pk == case.pk  # it waits again


def test_a_removed_comment_comes_back_with_the_undo():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    comment = ben.post(f"/v1/media/{media['id']}/comments", text="buy now")["data"]
    report(anna, f"media/{media['id']}/comments/{comment['id']}")

    decision = decide(case_of(int(comment["id"])), Verdict.REMOVE)
    assert anna.get(f"/v1/media/{media['id']}/comments")["data"] == []

    undo(decision)
    assert [each["id"] for each in anna.get(f"/v1/media/{media['id']}/comments")["data"]] == [comment["id"]]


def test_who_is_warned_gets_a_mail_that_says_why():
    anna, _, _, case = reported()

    decide(case, Verdict.REMOVE_AND_WARN)

    [warning] = warnings_to(anna)
    assert "it is spam" in warning.body


def test_a_warning_too_many_for_this_hour_is_mailed_in_the_next(settings):
    settings.MAILS_PER_HOUR = 1
    anna, _, _, case = reported()
    other = anna.upload()
    report(a_person(), f"media/{other['id']}")
    decide(case, Verdict.REMOVE_AND_WARN)
    second = decide(case_of(photo_id(other)), Verdict.REMOVE)
    Decision.objects.filter(pk=second.pk).update(verdict=Verdict.REMOVE_AND_WARN)
    assert len(warnings_to(anna)) == 1

    with pytest.raises(NotNow):  # the worker puts it off
        warnings.warn(second.pk)
    settings.MAILS_PER_HOUR = 2
    warnings.warn(second.pk)

    assert len(warnings_to(anna)) == 2


def test_a_decision_answers_all_reports_and_an_undo_opens_them_again():
    *_, media, case = reported(a_person(), a_person())
    reviews = Report.objects.filter(target_id=photo_id(media)).values_list("review", flat=True)

    decision = decide(case, Verdict.DISMISS)
    assert set(reviews.all()) == {"dismissed"}
    assert not Case.objects.filter(target_id=photo_id(media), closed_at=None).exists()

    undo(decision)
    assert set(reviews.all()) == {"open"}


def test_a_photo_that_its_author_deleted_can_still_be_decided():
    anna, _, media, case = reported()
    anna.delete(f"/v1/media/{media['id']}")

    undo(decide(case, Verdict.REMOVE))

    assert refusal(Client().get(f"/v1/media/{media['id']}", {"access_token": anna.token}))[0] == "APINotFoundError"


def test_nobody_claims_decides_or_undoes_what_is_about_themselves():
    anna, *_, case = reported()
    with pytest.raises(OwnCaseError):
        queue.claim(case.pk, moderator_id=anna.id)
    with pytest.raises(OwnCaseError):
        decisions.decide(case.pk, moderator_id=anna.id, verdict=Verdict.DISMISS, reason="mine")
    assert case not in queue.free_for(anna.id, queue.open_cases())

    decision = decide(case, Verdict.REMOVE)
    with pytest.raises(OwnCaseError):
        decisions.undo(decision.pk, moderator_id=anna.id, reason="mine")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 1001])
def test_a_decision_without_a_usable_reason_is_refused(reason):
    *_, case = reported()

    with pytest.raises(InvalidParameters, match="reason"):
        decisions.decide(case.pk, moderator_id=a_person().id, verdict=Verdict.HIDE, reason=reason)


def test_a_verdict_that_does_not_fit_is_refused_and_a_case_is_decided_once():
    anna, ben = a_person(), a_person()
    report(ben, f"users/{anna.id}")
    case = case_of(anna.id, kind="user")

    with pytest.raises(InvalidParameters, match="does not fit"):
        decisions.decide(case.pk, moderator_id=ben.id, verdict=Verdict.REMOVE, reason="gone")
    decide(case, Verdict.DISMISS)
    with pytest.raises(TooLateError):
        decisions.decide(case.pk, moderator_id=ben.id, verdict=Verdict.DISMISS, reason="again")


def test_a_decision_keeps_how_its_target_was_before_and_after():
    anna, ben, media, case = reported()
    ben.post(f"/v1/media/{media['id']}/likes")
    suspend(anna.id, told="a day of rest")

    decision = decide(case, Verdict.HIDE)

    decision.refresh_from_db()
    rest = {"until": None, "told": "a day of rest", "decision": None}
    before = {"state": "visible", "likes": 1, "comments": 0, "hidden": False, "suspension": rest}
    assert decision.before == before | {"reviews": {str(Report.objects.get(target_id=photo_id(media)).pk): "open"}}
    assert decision.after == before | {"hidden": True}
