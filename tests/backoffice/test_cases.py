"""The moderator's desk: decisions with a reason, their undo, all written down."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services.suspension import suspend, suspension_of
from backoffice.acts import Role
from jobs.testing import run_until_idle
from moderation.models import Case, Decision, Verdict
from tests.support.cases import a_case, claim, decide, to_front
from tests.support.people import a_person, refusal
from tests.support.staff import Staff, a_staff, sign_in, staff_person
from tests.support.store import photo_id


def test_a_moderator_claims_looks_decides_and_undoes_and_all_is_written_down(case):
    anna, media, here = case
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)
    page = desk.get(f"reports/{here.pk}/").content.decode()
    assert "A caption" in page
    assert "it sells" in page
    assert 'data-key="r"' in page

    assert decide(desk, here, Verdict.REMOVE).status_code == 302
    assert refusal(Client().get(f"/v1/media/{media['id']}", {"access_token": anna.token}))[0] == "APINotFoundError"

    decision = Decision.objects.get(case=here)
    undo = desk.get(f"decisions/{decision.pk}/undo/").content.decode()
    assert "It is seen again" in undo
    assert "the case waits in the queue" in undo
    assert desk.post(f"decisions/{decision.pk}/undo/", why="it was a joke").status_code == 302
    run_until_idle()
    assert anna.get(f"/v1/media/{media['id']}")["data"]["id"] == media["id"]

    acts = [(entry.act, entry.target_kind, entry.reason) for entry in desk.acts() if entry.act != "reports.claim"]
    assert acts == [("reports.decide", "photo", "it sells pills"), ("reports.undo", "photo", "it was a joke")]


def test_a_decision_leads_to_the_next_case_which_is_claimed(case):
    *_, here = case
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)
    anna = a_person()
    media = anna.upload()
    a_person().post(f"/v1/media/{media['id']}/report", reason="spam")
    run_until_idle()
    following = Case.objects.get(target_id=photo_id(media), closed_at=None)
    to_front(here, following)

    answer = decide(desk, here, Verdict.HIDE)

    assert answer["Location"] == f"/admin/reports/{following.pk}/"
    assert Case.objects.get(pk=following.pk).claimed_by_id == desk.id


@pytest.mark.parametrize(
    ("asked", "says"),
    [({"verdict": "remove", "why": ""}, "required"), ({"verdict": "behead", "why": "x"}, "valid choice")],
)
def test_a_decision_without_reason_or_sense_is_refused_and_changes_nothing(case, asked, says):
    *_, here = case
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)

    answer = desk.post(f"reports/{here.pk}/decide/", **asked)

    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert Case.objects.get(pk=here.pk).closed_at is None


def test_nobody_decides_about_themselves_or_undoes_it():
    person, browser = staff_person(Role.MODERATOR), Client()
    sign_in(browser, person)
    media = person.upload()
    a_person().post(f"/v1/media/{media['id']}/report", reason="spam")
    run_until_idle()
    here = Case.objects.get(target_id=photo_id(media), closed_at=None)
    to_front(here)
    desk, other = Staff(person.id, person.username, browser), a_staff(Role.MODERATOR)

    assert desk.post("reports/next/")["Location"] != f"/admin/reports/{here.pk}/"
    assert desk.post(f"reports/{here.pk}/claim/").status_code == 403
    assert decide(desk, here, Verdict.DISMISS).status_code == 409
    assert desk.post(f"photos/{photo_id(media)}/take_down/", why="mine").status_code == 409
    decide(other, here, Verdict.REMOVE)
    decision = Decision.objects.get(case=here)
    assert desk.post(f"decisions/{decision.pk}/undo/", why="it is mine").status_code == 409
    assert Decision.objects.get(pk=decision.pk).undone_at is None


def test_a_decision_suspends_staff_only_when_an_admin_makes_it():
    person = staff_person(Role.SUPPORT)
    a_person().post(f"/v1/users/{person.id}/report", reason="harassment")
    run_until_idle()
    here = Case.objects.get(target_id=person.id, kind="user", closed_at=None)
    desk, admin = a_staff(Role.MODERATOR), a_staff(Role.ADMIN)
    claim(desk, here)

    assert 'value="suspend"' not in desk.get(f"reports/{here.pk}/").content.decode()
    assert decide(desk, here, Verdict.SUSPEND).status_code == 409
    assert User.objects.get(pk=person.id).is_active
    desk.post(f"reports/{here.pk}/release/")
    assert decide(admin, here, Verdict.SUSPEND).status_code == 302
    assert not User.objects.get(pk=person.id).is_active
    undo = f"decisions/{Decision.objects.get(case=here).pk}/undo/"
    assert desk.post(undo, why="a colleague").status_code == 409
    assert admin.post(undo, why="it was nothing").status_code == 302


def test_a_final_decision_cannot_be_undone(case):
    *_, here = case
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)
    decide(desk, here, Verdict.REMOVE)
    decision = Decision.objects.get(case=here)
    Decision.objects.filter(pk=decision.pk).update(final_at=timezone.now())

    answer = desk.post(f"decisions/{decision.pk}/undo/", why="too late")

    assert answer.status_code == 409
    assert "final" in answer.content.decode()


def test_decisions_are_listed_by_moderator_state_and_person(case):
    anna, _, here = case
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)
    decide(desk, here, Verdict.DISMISS)

    found = desk.get("decisions/", moderator=desk.username, state="stands", about=anna.id)

    assert [row["decision"].case_id for row in found.context["rows"]] == [here.pk]
    assert desk.get("decisions/", state="undone", about=anna.id).context["rows"] == []


def test_a_decision_that_comes_too_late_says_why_and_gives_the_words_back():
    here = a_case()
    first, second = a_staff(Role.MODERATOR), a_staff(Role.MODERATOR)
    claim(first, here)

    answer = decide(second, here, Verdict.REMOVE, why="it sells pills <again>")

    assert answer.status_code == 409
    page = answer.content.decode()
    assert page.count(f"{first.username} is looking at this case") >= 2  # the state, and why nothing was decided
    assert "it sells pills &lt;again&gt;" in page


def test_a_warning_from_the_desk_needs_words_for_its_owner():
    here = a_case()
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)

    silent = decide(desk, here, Verdict.REMOVE_AND_WARN)
    said = desk.post(
        f"reports/{here.pk}/decide/", verdict="remove_and_warn", why="he sells pills", told="No advertisements, please."
    )

    assert silent.status_code == 400
    assert "Tell them: Say what is wrong" in silent.content.decode()
    assert said.status_code == 302
    assert Decision.objects.get(case=here).told == "No advertisements, please."


def test_a_suspension_from_the_desk_lasts_some_days_and_says_why():
    here = a_case()
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)

    desk.post(f"reports/{here.pk}/decide/", verdict="suspend", why="again", told="Cool down.", days="3")

    row = suspension_of(here.about_user_id)
    assert row.told == "Cool down."
    assert timedelta(days=2) < row.until - timezone.now() < timedelta(days=3)


def test_the_log_says_how_a_decision_found_its_target_and_not_what_its_owner_was_told():
    here = a_case()
    until = timezone.now() + timedelta(days=1)
    suspend(here.about_user_id, until=until, told="a day of rest")
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)

    decide(desk, here, Verdict.HIDE)

    [entry] = [each for each in desk.acts() if each.act == "reports.decide"]
    assert entry.before == {
        "case": here.pk, "reports": 1, "state": "visible", "likes": 0, "comments": 0, "hidden": False,
        "suspension": {"until": until.isoformat(), "decision": None},
    }  # fmt: skip


def test_a_decision_answers_the_persons_other_cases_likewise_where_it_fits():
    anna = a_person()
    ids = [photo_id(anna.upload()) for _ in range(3)]
    for each in ids:
        a_person().post(f"/v1/media/{each}/report", reason="spam")
    a_person().post(f"/v1/users/{anna.id}/report", reason="spam")
    run_until_idle()
    cases = {each.target_id: each for each in Case.objects.filter(about_user_id=anna.id, closed_at=None)}
    desk, colleague = a_staff(Role.MODERATOR), a_staff(Role.MODERATOR)
    claim(desk, cases[ids[0]])
    claim(colleague, cases[ids[2]])
    person = a_staff(Role.MODERATOR).get(f"people/{anna.id}/").content.decode()

    desk.post(
        f"reports/{cases[ids[0]].pk}/decide/", verdict="remove_and_warn", why="all of it", told="No ads.", others="on"
    )
    run_until_idle()

    assert f'/admin/reports/?about={anna.id}">4 open cases' in person
    made = dict(Decision.objects.filter(about_user_id=anna.id).values_list("target_id", "verdict"))
    assert made == {ids[0]: "remove_and_warn", ids[1]: "remove"}
    # An account cannot be removed by a decision, and a colleague is at the third.
    assert Case.objects.filter(about_user_id=anna.id, closed_at=None).count() == 2
    assert len([entry for entry in desk.acts() if entry.act == "reports.decide"]) == 2
    assert len([each for each in mail.outbox if "removed" in each.subject]) == 1


def test_undoing_a_take_down_that_nobody_had_reported_leaves_no_case_open():
    number = photo_id(a_person().upload())
    desk = a_staff(Role.MODERATOR)
    desk.post(f"photos/{number}/take_down/", why="by mistake")
    decision = Decision.objects.get(target_id=number)
    assert "no case waits" in desk.get(f"decisions/{decision.pk}/undo/").content.decode()

    desk.post(f"decisions/{decision.pk}/undo/", why="the wrong one")
    run_until_idle()

    assert Decision.objects.get(pk=decision.pk).undone_at is not None
    assert not Case.objects.filter(target_id=number, closed_at=None).exists()
