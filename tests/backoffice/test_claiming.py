"""Taking cases, giving them back, walking the queue that one asked for."""

from accounts.models import Report
from backoffice import audit
from backoffice.acts import Role
from instagram.errors import NotFound
from jobs.testing import run_until_idle
from moderation import queue
from moderation.models import Case, Decision, Verdict
from tests.support.cases import a_case, claim, decide, three_cases, to_front
from tests.support.people import a_person
from tests.support.staff import a_staff
from tests.support.store import photo_id


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
    here = a_case()
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)

    for way in ("previous", "next"):
        answer = desk.post(f"reports/{here.pk}/move/", to=way, about=here.about_user_id)

        assert answer["Location"] == f"/admin/reports/{here.pk}/?about={here.about_user_id}"
        assert Case.objects.get(pk=here.pk).claimed_by_id == desk.id


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


def test_taking_and_undoing_have_keys():
    here = a_case()
    to_front(here)
    desk = a_staff(Role.MODERATOR)

    assert 'data-key="t"' in desk.get("reports/").content.decode()
    assert 'data-key="t"' in desk.get(f"reports/{here.pk}/").content.decode()
    claim(desk, here)
    decide(desk, here, Verdict.DISMISS)
    assert 'data-key="u"' in desk.get("reports/").content.decode()
