"""The moderator's desk: the queue, one case at a time, decisions with a reason, their undo, all written down."""

import random
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import Report, User
from accounts.services.suspension import suspension_of
from backoffice import audit
from backoffice.acts import Role
from backoffice.cases import facts
from backoffice.roles import set_role
from instagram.errors import NotFound
from jobs.testing import run_until_idle
from moderation import decisions, queue
from moderation.models import Case, Decision, Verdict
from tests.moderation.test_look_alikes import a_picture
from tests.support.cases import to_front
from tests.support.people import a_person, refusal
from tests.support.staff import Staff, a_staff, sign_in, staff_person
from tests.support.store import photo_id, status


@pytest.fixture
def case():
    """Return an author, their photo, and its case."""
    anna, ben = a_person(), a_person()
    media = anna.upload(caption="A caption")
    ben.post(f"/v1/media/{media['id']}/report", reason="spam", text="it sells")
    run_until_idle()
    return anna, media, Case.objects.get(target_id=photo_id(media), closed_at=None)


def claim(desk: Staff, case: Case):
    answer = desk.post(f"reports/{case.pk}/claim/")
    assert answer.status_code == 302, answer.content[:300]


def decide(desk: Staff, case: Case, verdict: Verdict, why="it sells pills"):
    answer = desk.post(f"reports/{case.pk}/decide/", verdict=verdict, why=why)
    run_until_idle()
    return answer


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
    assert "It is seen again" in desk.get(f"decisions/{decision.pk}/undo/").content.decode()
    assert desk.post(f"decisions/{decision.pk}/undo/", why="it was a joke").status_code == 302
    run_until_idle()
    assert anna.get(f"/v1/media/{media['id']}")["data"]["id"] == media["id"]

    acts = [(entry.act, entry.target_kind, entry.reason) for entry in desk.acts() if entry.act != "reports.claim"]
    assert acts == [("reports.decide", "photo", "it sells pills"), ("reports.undo", "photo", "it was a joke")]


def test_what_another_moderator_looks_at_cannot_be_claimed_or_decided(case):
    *_, here = case
    first, second = a_staff(Role.MODERATOR), a_staff(Role.MODERATOR)
    claim(first, here)

    assert f"{first.username} is looking" in second.get(f"reports/{here.pk}/").content.decode()
    assert second.post(f"reports/{here.pk}/claim/").status_code == 409
    assert decide(second, here, Verdict.DISMISS).status_code == 409
    assert not Decision.objects.filter(case=here).exists()

    first.post(f"reports/{here.pk}/release/")
    claim(second, here)


def test_take_the_next_gives_each_moderator_a_case_of_their_own(case):
    *_, here = case
    to_front(here)
    first, second = a_staff(Role.MODERATOR), a_staff(Role.MODERATOR)

    mine = first.post("reports/next/")
    others = second.post("reports/next/")

    assert mine["Location"] == f"/admin/reports/{here.pk}/"
    assert others["Location"] != mine["Location"]


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


def test_a_private_accounts_photo_is_shown_to_who_has_the_case_and_that_is_written_down(case):
    anna, _, here = case
    User.objects.filter(pk=anna.id).update(is_private=True)
    desk, other = a_staff(Role.MODERATOR), a_staff(Role.READ_ONLY)

    assert "<img src" not in other.get(f"reports/{here.pk}/").content.decode().split("looked-at")[1].split("</div>")[0]
    claim(desk, here)

    assert "<img src" in desk.get(f"reports/{here.pk}/").content.decode().split("looked-at")[1].split("</div>")[0]
    assert [entry.act for entry in desk.acts()] == ["reports.claim", "people.private_photos"]


def test_a_comments_case_shows_no_picture_of_a_private_photo_owner_but_to_who_has_it():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    comment = ben.post(f"/v1/media/{media['id']}/comments", text="what a rude word")["data"]
    a_person().post(f"/v1/media/{media['id']}/comments/{comment['id']}/report", reason="harassment")
    run_until_idle()
    here = Case.objects.get(target_id=int(comment["id"]), closed_at=None)
    User.objects.filter(pk=anna.id).update(is_private=True)
    desk, other = a_staff(Role.MODERATOR), a_staff(Role.READ_ONLY)

    assert other.get(f"reports/{here.pk}/").context["target"].image == ""
    claim(desk, here)

    assert desk.get(f"reports/{here.pk}/").context["target"].image
    assert ("people.private_photos", str(anna.id)) in [(entry.act, entry.target_id) for entry in desk.acts()]


def test_what_was_taken_down_is_no_longer_shown_with_its_case(case):
    *_, here = case
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)
    decide(desk, here, Verdict.REMOVE)

    page = desk.get(f"reports/{here.pk}/")

    assert page.context["target"].image == ""
    assert "Taken down" in page.content.decode()


def test_who_had_a_case_and_is_no_moderator_any_more_sees_no_private_picture(case):
    anna, _, here = case
    User.objects.filter(pk=anna.id).update(is_private=True)
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)
    set_role(User.objects.get(pk=desk.id), Role.READ_ONLY)

    page = desk.get(f"reports/{here.pk}/")

    assert page.context["target"].image == ""
    assert 'data-key="r"' not in page.content.decode()


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


def test_the_case_of_an_account_shows_its_newest_photos():
    anna = a_person()
    number = photo_id(anna.upload())
    a_person().post(f"/v1/users/{anna.id}/report", reason="spam")
    run_until_idle()
    here = Case.objects.get(target_id=anna.id, kind="user", closed_at=None)

    assert f"/admin/photos/{number}/" in a_staff(Role.READ_ONLY).get(f"reports/{here.pk}/").content.decode()


def test_the_list_shows_what_waits_by_kind_and_source_and_pages_by_weight(case):
    *_, here = case
    to_front(here)
    here.refresh_from_db()
    desk = a_staff(Role.READ_ONLY)

    assert f"/admin/reports/{here.pk}/" in desk.get("reports/", kind="media", source="reports").content.decode()
    assert f"/admin/reports/{here.pk}/" not in desk.get("reports/", kind="user").content.decode()
    after = desk.get("reports/", after=f"{here.rank!r},{here.pk}").content.decode()
    assert f"/admin/reports/{here.pk}/" not in after
    assert desk.get("reports/", kind="nonsense").status_code == 400


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


@pytest.fixture
def look_alike():
    """Return a removed photo, and the case of a copy of it."""
    picture = a_picture(random.randrange(10**9))
    anna, carl = a_person(), a_person()
    media = anna.upload(picture)
    a_person().post(f"/v1/media/{media['id']}/report", reason="nudity")
    run_until_idle()
    first = Case.objects.get(target_id=photo_id(media), closed_at=None)
    decisions.decide(first.pk, moderator_id=a_person().id, verdict=Verdict.REMOVE, reason="nudity")
    run_until_idle()
    copy = carl.upload(picture)
    run_until_idle()
    return media, Case.objects.get(target_id=photo_id(copy), closed_at=None)


def test_who_has_a_look_alikes_case_sees_the_removed_picture_beside_it_and_that_is_written_down(look_alike):
    media, here = look_alike
    desk, other = a_staff(Role.MODERATOR), a_staff(Role.MODERATOR)
    claim(desk, here)

    [mine] = desk.get(f"reports/{here.pk}/").context["likenesses"]
    [theirs] = other.get(f"reports/{here.pk}/").context["likenesses"]

    assert status(mine.image) == 200
    assert theirs.image == ""
    looks = [entry.target_id for entry in desk.acts() if entry.act == "people.private_photos"]
    assert looks == [str(photo_id(media))]
    assert [entry.act for entry in other.acts()] == []


def test_of_a_look_alike_whose_removal_is_final_nothing_is_shown(look_alike):
    media, here = look_alike
    Decision.objects.filter(target_id=photo_id(media)).update(made_at=timezone.now() - timedelta(days=31))
    assert decisions.make_final() >= 1
    run_until_idle()
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)

    [likeness] = desk.get(f"reports/{here.pk}/").context["likenesses"]

    assert (likeness.image, likeness.says) == ("", "Deleted for good: nothing of it is kept.")


def a_case(**report):
    """Return the case of a new photo; of its author, where a report says so."""
    anna = a_person()
    media = anna.upload()
    path = f"users/{anna.id}" if report.pop("kind", "media") == "user" else f"media/{media['id']}"
    a_person().post(f"/v1/{path}/report", **{"reason": "spam", **report})
    run_until_idle()
    return Case.objects.get(about_user_id=anna.id, closed_at=None)


def three_cases():
    """Return three cases at the front of the queue, in its order."""
    found = [a_case() for _ in range(3)]
    to_front(*found)
    return found


def test_taking_moving_and_giving_back_are_lines_in_the_audit_log():
    first, second, _ = three_cases()
    desk = a_staff(Role.MODERATOR)
    claim(desk, first)
    desk.post(f"reports/{first.pk}/move/", to="next")
    desk.post(f"reports/{second.pk}/release/")
    desk.post(f"reports/{second.pk}/release/")  # nothing is given back twice

    lines = [(entry.act, entry.after["case"], entry.after["held"]) for entry in desk.acts()]
    assert lines == [
        ("reports.claim", first.pk, True),
        ("reports.claim", second.pk, True),
        ("reports.release", first.pk, False),
        ("reports.release", second.pk, False),
    ]


def test_who_moves_on_while_a_colleague_is_faster_gets_the_case_after_that(monkeypatch):
    first, second, third = three_cases()
    desk, faster = a_staff(Role.MODERATOR), a_staff(Role.MODERATOR)
    claim(desk, first)
    claimed = queue.claim

    def after_a_colleague(case_id, *, moderator_id):
        if case_id == second.pk:
            claimed(case_id, moderator_id=faster.id)
        return claimed(case_id, moderator_id=moderator_id)

    monkeypatch.setattr(queue, "claim", after_a_colleague)

    answer = desk.post(f"reports/{first.pk}/move/", to="next")

    assert answer["Location"] == f"/admin/reports/{third.pk}/"
    assert Case.objects.get(pk=first.pk).claimed_by_id is None


def test_at_the_end_of_the_queue_one_keeps_ones_case():
    first, *_ = three_cases()
    desk = a_staff(Role.MODERATOR)
    claim(desk, first)
    Case.objects.filter(pk=first.pk).update(waits_from=-1e9 - first.pk)

    answer = desk.post(f"reports/{first.pk}/move/", to="previous")

    assert answer["Location"] == f"/admin/reports/{first.pk}/"
    assert Case.objects.get(pk=first.pk).claimed_by_id == desk.id


def test_a_claim_that_cannot_be_written_down_is_none(monkeypatch):
    here = a_case()
    desk = a_staff(Role.MODERATOR)

    def refused(*_args, **_kwargs):
        raise NotFound(what="audit log")

    monkeypatch.setattr(audit, "record", refused)

    assert desk.post(f"reports/{here.pk}/claim/").status_code == 404
    assert Case.objects.get(pk=here.pk).claimed_by_id is None


def test_what_the_queue_is_narrowed_to_stays_after_a_decision_and_with_the_keys():
    first, photo, second = a_case(kind="user"), a_case(), a_case(kind="user")
    to_front(first, photo, second)
    desk = a_staff(Role.MODERATOR)

    took = desk.post("reports/next/", kind="user")
    page = desk.get(f"reports/{first.pk}/", kind="user").content.decode()
    moved = desk.post(f"reports/{first.pk}/move/", to="next", kind="user")
    back = desk.post(f"reports/{second.pk}/move/", to="previous", kind="user")
    decided = desk.post(f"reports/{first.pk}/decide/", verdict="dismiss", why="all is well", kind="user")

    assert took["Location"] == back["Location"] == f"/admin/reports/{first.pk}/?kind=user"
    assert page.count('<input type="hidden" name="kind" value="user">') >= 3
    assert moved["Location"] == decided["Location"] == f"/admin/reports/{second.pk}/?kind=user"


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


def test_who_takes_the_case_of_what_was_deleted_closes_it_without_a_verdict():
    anna = a_person()
    media = anna.upload()
    ben = a_person()
    ben.post(f"/v1/media/{media['id']}/report", reason="spam")
    run_until_idle()
    here = Case.objects.get(target_id=photo_id(media))
    anna.delete(f"/v1/media/{media['id']}")
    desk = a_staff(Role.MODERATOR)

    answer = desk.post(f"reports/{here.pk}/claim/")

    assert answer.status_code == 409
    assert "It was deleted meanwhile" in answer.content.decode()
    assert Case.objects.get(pk=here.pk).is_gone
    assert not Decision.objects.filter(case=here).exists()
    assert Report.objects.get(reporter_id=ben.id).review == "open"
    assert "gone</span>" in desk.get(f"reports/{here.pk}/").content.decode()


def test_the_list_is_narrowed_by_reason_person_and_what_is_mine():
    here = a_case(reason="violence")
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)

    def shown(**asked):
        return here.pk in [row["case"].pk for row in desk.get("reports/", **asked).context["rows"]]

    assert shown(about=here.about_user_id, reason="violence", holder="me")
    assert not shown(about=here.about_user_id, reason="nudity")
    assert not any(row["case"] for row in a_staff(Role.MODERATOR).get("reports/", holder="me").context["rows"])
    assert desk.get("reports/", about="nobody").status_code == 400


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


def test_a_case_shows_what_each_reporters_word_counts_and_how_many_there_are(monkeypatch):
    monkeypatch.setattr(facts, "REPORTS", 2)
    anna, ben = a_person(), a_person()
    for verdict in (Verdict.HIDE, Verdict.HIDE, Verdict.DISMISS):
        media = anna.upload()
        ben.post(f"/v1/media/{media['id']}/report", reason="spam")
        run_until_idle()
        case = Case.objects.get(target_id=photo_id(media), closed_at=None)
        decisions.decide(case.pk, moderator_id=a_person().id, verdict=verdict, reason="-")
    media = anna.upload()
    for each in (a_person(), a_person(), ben):
        each.post(f"/v1/media/{media['id']}/report", reason="spam")
    run_until_idle()
    here = Case.objects.get(target_id=photo_id(media), closed_at=None)

    page = a_staff(Role.READ_ONLY).get(f"reports/{here.pk}/").content.decode()

    assert "The newest 2 of 3." in page
    assert 'counts 0.60 <span class="quiet">2 right, 1 wrong before' in page


def test_a_comments_case_shows_it_between_its_neighbours():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    said = [
        person.post(f"/v1/media/{media['id']}/comments", text=text)["data"]
        for person, text in ((anna, "who ate my cake"), (ben, "you did"), (anna, "never"))
    ]
    a_person().post(f"/v1/media/{media['id']}/comments/{said[1]['id']}/report", reason="harassment")
    run_until_idle()
    here = Case.objects.get(target_id=int(said[1]["id"]), closed_at=None)

    thread = a_staff(Role.READ_ONLY).get(f"reports/{here.pk}/").context["thread"]

    assert [(each.author, each.text, each.is_it) for each in thread] == [
        (anna.username, "who ate my cake", False),
        (ben.username, "you did", True),
        (anna.username, "never", False),
    ]


def test_reports_on_a_persons_page_lead_to_what_was_reported_and_to_its_case():
    here = a_case()
    reporter = Report.objects.get(target_id=here.target_id).reporter_id
    desk = a_staff(Role.READ_ONLY)

    for person in (here.about_user_id, reporter):
        page = desk.get(f"people/{person}/").content.decode()
        assert f'<a href="/admin/photos/{here.target_id}/">media</a>' in page
        assert f'<a href="/admin/reports/{here.pk}/">case {here.pk}</a>' in page


def test_undoing_a_take_down_that_nobody_had_reported_leaves_no_case_open():
    number = photo_id(a_person().upload())
    desk = a_staff(Role.MODERATOR)
    desk.post(f"photos/{number}/take_down/", why="by mistake")
    decision = Decision.objects.get(target_id=number)

    desk.post(f"decisions/{decision.pk}/undo/", why="the wrong one")
    run_until_idle()

    assert Decision.objects.get(pk=decision.pk).undone_at is not None
    assert not Case.objects.filter(target_id=number, closed_at=None).exists()


def test_taking_and_undoing_have_keys():
    here = a_case()
    to_front(here)
    desk = a_staff(Role.MODERATOR)

    assert 'data-key="t"' in desk.get("reports/").content.decode()
    assert 'data-key="t"' in desk.get(f"reports/{here.pk}/").content.decode()
    claim(desk, here)
    decide(desk, here, Verdict.DISMISS)
    assert 'data-key="u"' in desk.get("reports/").content.decode()
