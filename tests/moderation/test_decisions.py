"""Cases are weighed, claimed, decided and undone; what was decided is so everywhere, and as before after an undo."""

import time
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Report
from accounts.services import suspend
from accounts.services.suspension import suspension_of
from instagram.errors import InvalidParameters
from jobs import NotNow, outbox
from jobs.testing import run_until_idle
from moderation import decisions, queue, warnings
from moderation.errors import ClaimedByAnotherError, OwnCaseError, TooLateError
from moderation.models import Case, Decision, Verdict, today
from moderation.tasks import note_reports
from sharding import main_server
from tests.support.cases import to_front
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


def decide(case, verdict, moderator=None, **more):
    moderator = moderator or a_person()
    decision = decisions.decide(case.pk, moderator_id=moderator.id, verdict=verdict, reason="it is spam", **more)
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


def test_reports_of_a_case_that_very_many_report_are_taken_in_together(monkeypatch):
    monkeypatch.setattr(queue, "NOTE_AT_ONCE", 2)
    *_, media, case = reported(a_person(), a_person())
    facts = {"kind": case.kind, "target_id": case.target_id, "about_user_id": case.about_user_id}
    noted = Case.objects.filter(pk=case.pk).values_list("reporters", "noted_at")
    report(a_person(), f"media/{media['id']}")

    assert note_reports(**facts).delay_s == queue.NOTE_S
    assert noted.get()[0] == 2
    note_reports(**facts, since=time.time())  # the first of those that were put off
    reporters, at = noted.get()
    note_reports(**facts, since=time.time() - queue.NOTE_S)  # all others

    assert reporters == 3
    assert noted.get() == (3, at)


def test_an_undo_opens_the_reports_of_thousands_in_one_statement():
    *_, case = reported(*(a_person() for _ in range(5)))
    decision = decide(case, Verdict.DISMISS)
    moderator = a_person()

    with CaptureQueriesContext(connection) as made:
        decisions.undo(decision.pk, moderator_id=moderator.id, reason="it was none")

    assert len([each for each in made if each["sql"].startswith('UPDATE "accounts_report"')]) == 1
    assert set(Report.objects.filter(target_id=case.target_id).values_list("review", flat=True)) == {"open"}


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
    to_front(*cases[::2])
    for case, same in zip(cases[::2], cases[1::2], strict=True):
        place = Case.objects.get(pk=case.pk)
        Case.objects.filter(pk=same.pk).update(weight=place.weight, waits_from=place.waits_from)
    mine = [case.pk for case in cases]
    waiting = queue.open_cases().filter(pk__in=mine)

    first = queue.page_of(waiting, count=3)
    second = queue.page_of(waiting, after=queue.Cursor(first[-1].rank, first[-1].pk), count=3)

    assert [each.pk for each in [*first, *second]] == mine
    assert queue.neighbours(first[0], waiting, moderator_id=1, forward=True)[0].pk == mine[1]
    assert queue.neighbours(first[2], waiting, moderator_id=1, forward=False)[0].pk == mine[1]


def test_a_light_case_that_waits_for_long_comes_before_a_heavy_one_of_today():
    light, heavy = reported()[3], reported()[3]
    Case.objects.filter(pk=light.pk).update(weight=1.0, waits_from=today() - 4)
    both = queue.open_cases().filter(pk__in=[light.pk, heavy.pk])

    Case.objects.filter(pk=heavy.pk).update(weight=20.0, waits_from=today())
    assert [each.pk for each in both.all()] == [heavy.pk, light.pk]  # 20 to 1 doubled four times
    Case.objects.filter(pk=heavy.pk).update(weight=10.0)
    assert [each.pk for each in both.all()] == [light.pk, heavy.pk]


def test_the_queue_is_narrowed_by_reason_person_and_who_looks():
    anna, _, _, case = reported()
    moderator = a_person()
    other = reported()[3]
    queue.claim(case.pk, moderator_id=moderator.id)

    def found(**asked):
        return [each.pk for each in queue.open_cases(**asked).filter(pk__in=[case.pk, other.pk])]

    assert found(about=anna.id) == found(holder=moderator.id) == [case.pk]
    assert found(reason="nudity") == []
    assert sorted(found(reason="spam")) == [case.pk, other.pk]


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


def test_who_is_warned_gets_a_mail_with_what_they_are_told_and_not_with_staffs_reason():
    anna, _, _, case = reported()

    decide(case, Verdict.REMOVE_AND_WARN, told="We allow no advertisements.")

    [warning] = warnings_to(anna)
    assert "We allow no advertisements." in warning.body
    assert "it is spam" not in warning.body


def test_a_warning_by_the_release_before_that_knew_the_reason_alone_is_not_empty():
    anna, _, _, case = reported()
    decision = decide(case, Verdict.REMOVE)
    Decision.objects.filter(pk=decision.pk).update(verdict=Verdict.REMOVE_AND_WARN)

    warnings.warn(decision.pk)

    [warning] = warnings_to(anna)
    assert "it is spam" in warning.body


def test_an_undo_within_minutes_stops_the_warning():
    anna, _, _, case = reported()
    decision = decisions.decide(
        case.pk, moderator_id=a_person().id, verdict=Verdict.REMOVE_AND_WARN, reason="it is spam", told="No ads."
    )
    [job] = [
        each for each in outbox.jobs_of(main_server(), tasks=["moderation.warn"], most=500)
        if each.args == {"decision_id": decision.pk}
    ]  # fmt: skip
    assert job.leased_until > time.time() + django_settings.WARN_AFTER_S - 60

    undo(decision)

    assert warnings_to(anna) == []


@pytest.mark.parametrize("told", ["", "  ", "x" * 301])
def test_a_warning_without_usable_words_is_refused(told):
    *_, case = reported()

    with pytest.raises(InvalidParameters, match="tell them"):
        decide(case, Verdict.REMOVE_AND_WARN, told=told)


def test_a_suspension_lasts_as_long_as_was_decided_and_says_what_was_told():
    anna, _, _, case = reported()
    until = timezone.now() + timedelta(days=3)

    decide(case, Verdict.SUSPEND, told="Three days to cool down.", suspend_until=until)

    row = suspension_of(anna.id)
    assert (row.until, row.told) == (until, "Three days to cool down.")
    with pytest.raises(InvalidParameters, match="a day to come"):
        decide(reported()[3], Verdict.SUSPEND, suspend_until=timezone.now())


def test_a_warning_too_many_for_this_hour_is_mailed_in_the_next(settings):
    settings.MAILS_PER_HOUR = 1
    anna, _, _, case = reported()
    other = anna.upload()
    report(a_person(), f"media/{other['id']}")
    decide(case, Verdict.REMOVE_AND_WARN, told="No ads.")
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


def test_nobody_claims_decides_or_undoes_what_they_reported_themselves():
    carl, dora = a_person(), a_person()
    *_, case = reported(carl, dora)
    with pytest.raises(OwnCaseError):
        queue.claim(case.pk, moderator_id=carl.id)
    with pytest.raises(OwnCaseError):
        decisions.decide(case.pk, moderator_id=carl.id, verdict=Verdict.REMOVE, reason="as I said")
    assert case not in queue.free_for(carl.id, queue.open_cases())
    assert case in queue.free_for(a_person().id, queue.open_cases())

    decision = decide(case, Verdict.DISMISS)
    with pytest.raises(OwnCaseError):
        decisions.undo(decision.pk, moderator_id=dora.id, reason="I was right")


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
        decisions.decide(case.pk, moderator_id=a_person().id, verdict=Verdict.REMOVE, reason="gone")
    decide(case, Verdict.DISMISS)
    with pytest.raises(TooLateError):
        decisions.decide(case.pk, moderator_id=a_person().id, verdict=Verdict.DISMISS, reason="again")


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


def test_an_undo_gives_what_programs_found_to_the_case_that_waits_by_then():
    *_, media, case = reported()
    finding = {"source": "spam", "rule": "links", "why": "three links"}
    queue.flag(kind=case.kind, target_id=case.target_id, about_user_id=case.about_user_id, finding=finding)
    decision = decide(case, Verdict.HIDE)
    report(a_person(), f"media/{media['id']}")
    later = case_of(photo_id(media))

    undo(decision)

    later.refresh_from_db()
    assert (later.flags, later.reporters) == ([finding], 2)
