"""A case that nobody reported: opened by staff on what they see, decided at the desk like any other."""

import pytest

from backoffice.acts import Role
from jobs.testing import run_until_idle
from moderation.models import Case, Kind
from tests.support.people import a_person
from tests.support.staff import a_staff
from tests.support.store import photo_id


@pytest.fixture
def things():
    """Return a photo, a comment under it and the account of who wrote it: by word, (id, owner, page with the link)."""
    anna, ben = a_person(), a_person()
    media = anna.upload()
    comment = int(ben.post(f"/v1/media/{media['id']}/comments", text="what a rude word")["data"]["id"])
    run_until_idle()
    number = photo_id(media)
    return {
        "photo": (number, anna, f"photos/{number}/"),
        "comment": (comment, ben, f"comments/?person={ben.id}"),
        "person": (ben.id, ben, f"people/{ben.id}/"),
    }


@pytest.mark.parametrize(
    ("word", "kind", "verdict"),
    [("photo", Kind.MEDIA, "hide"), ("comment", Kind.COMMENT, "remove"), ("person", Kind.USER, "suspend")],
)
def test_a_moderator_opens_a_case_on_what_is_on_the_page_and_decides_it_at_the_desk(things, word, kind, verdict):
    desk = a_staff(Role.MODERATOR)
    target_id, owner, seen_on = things[word]
    address = f"/admin/open_case/{word}/{target_id}/"
    assert address in desk.browser.get(f"/admin/{seen_on}").content.decode()

    assert desk.browser.post(address).status_code == 400  # without a reason
    answer = desk.browser.post(address, {"why": "seen by chance"})

    case = Case.objects.get(kind=kind, target_id=target_id, about_user_id=owner.id, closed_at=None)
    assert case.flags == [{"source": "staff", "by": desk.username}]
    assert answer["Location"] == f"/admin/reports/{case.pk}/"
    assert case.pk in [row["case"].pk for row in desk.get("reports/", source="staff", about=owner.id).context["rows"]]
    desk.post(f"reports/{case.pk}/claim/")
    assert f'value="{verdict}"' in desk.get(f"reports/{case.pk}/").content.decode()
    opened = desk.acts()[0]
    assert (opened.act, opened.target_kind, opened.target_id) == ("reports.open", word, str(target_id))
    assert (opened.reason, opened.before, opened.after) == ("seen by chance", {"case": None}, {"case": case.pk})


def test_on_the_page_of_a_photo_its_comments_can_be_taken_to_the_desk_too(things):
    page = a_staff(Role.MODERATOR).get(things["photo"][2]).content.decode()

    assert f"/admin/open_case/comment/{things['comment'][0]}/" in page


def test_what_waits_already_stays_one_case(things):
    first, second = a_staff(Role.MODERATOR), a_staff(Role.ADMIN)
    address = f"open_case/photo/{things['photo'][0]}/"

    assert first.post(address, why="seen")["Location"] == second.post(address, why="seen too")["Location"]
    assert len(Case.objects.get(target_id=things["photo"][0], closed_at=None).flags) == 2


def test_who_may_not_decide_is_not_offered_it_and_is_refused(things):
    support = a_staff(Role.SUPPORT)
    for word, (target_id, _, seen_on) in things.items():
        assert "open_case" not in support.browser.get(f"/admin/{seen_on}").content.decode()
        assert support.post(f"open_case/{word}/{target_id}/", why="mine to say").status_code == 403


def test_nobody_opens_a_case_on_themselves_or_on_what_is_not_there(things):
    desk = a_staff(Role.MODERATOR)
    number, anna, _ = things["photo"]
    anna.delete(f"/v1/media/{number}_{anna.id}")

    assert desk.post(f"open_case/person/{desk.id}/", why="me").status_code == 409
    assert desk.post(f"open_case/photo/{number}/", why="late").status_code == 409
    for nowhere in ("photo/1", "comment/12345", "person/99999999999", "toaster/1", f"photo/{10**25}"):
        assert desk.post(f"open_case/{nowhere}/", why="what").status_code == 404, nowhere
