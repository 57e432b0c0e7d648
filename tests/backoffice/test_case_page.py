"""What a case shows, and to whom."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Report, User
from backoffice.acts import Role
from backoffice.cases import facts
from backoffice.roles import set_role
from jobs.testing import run_until_idle
from moderation import decisions
from moderation.models import Case, Decision, Verdict
from tests.moderation.test_look_alikes import a_picture
from tests.support.cases import a_case, claim, decide
from tests.support.people import a_person
from tests.support.staff import a_staff
from tests.support.store import photo_id, status


def test_a_private_accounts_photo_is_shown_to_who_has_the_case_and_that_is_written_down(case):
    anna, _, here = case
    User.objects.filter(pk=anna.id).update(is_private=True)
    desk, other = a_staff(Role.MODERATOR), a_staff(Role.READ_ONLY)

    assert "<img src" not in other.get(f"reports/{here.pk}/").content.decode().split("looked-at")[1].split("</div>")[0]
    claim(desk, here)

    assert "<img src" in desk.get(f"reports/{here.pk}/").content.decode().split("looked-at")[1].split("</div>")[0]
    assert [entry.act for entry in desk.acts()] == ["reports.claim", "people.private_photos"]


def test_a_comments_case_shows_nothing_of_a_private_photo_owner_but_to_who_has_it():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    comment = ben.post(f"/v1/media/{media['id']}/comments", text="what a rude word")["data"]
    a_person().post(f"/v1/media/{media['id']}/comments/{comment['id']}/report", reason="harassment")
    run_until_idle()
    here = Case.objects.get(target_id=int(comment["id"]), closed_at=None)
    User.objects.filter(pk=anna.id).update(is_private=True)
    desk, other = a_staff(Role.MODERATOR), a_staff(Role.READ_ONLY)

    seen = other.get(f"reports/{here.pk}/")
    assert seen.context["target"].image == ""
    assert "a rude word" not in seen.content.decode()
    claim(desk, here)

    shown = desk.get(f"reports/{here.pk}/")
    assert shown.context["target"].image
    assert "a rude word" in shown.content.decode()
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


def test_the_case_of_an_account_shows_its_newest_photos():
    anna = a_person()
    number = photo_id(anna.upload())
    a_person().post(f"/v1/users/{anna.id}/report", reason="spam")
    run_until_idle()
    here = Case.objects.get(target_id=anna.id, kind="user", closed_at=None)

    assert f"/admin/photos/{number}/" in a_staff(Role.READ_ONLY).get(f"reports/{here.pk}/").content.decode()


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


def test_what_comes_into_view_after_somebody_took_the_case_is_written_down_once(look_alike):
    media, here = look_alike
    flags, owner = here.flags, here.about_user_id
    Case.objects.filter(pk=here.pk).update(flags=[])
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)
    Case.objects.filter(pk=here.pk).update(flags=flags)
    User.objects.filter(pk=owner).update(is_private=True)

    for _ in range(2):
        assert desk.get(f"reports/{here.pk}/").context["likenesses"][0].image

    seen = [(each.target_kind, each.target_id) for each in desk.acts() if each.act == "people.private_photos"]
    assert seen == [("person", str(owner)), ("photo", str(photo_id(media)))]


def test_of_a_look_alike_whose_removal_is_final_nothing_is_shown(look_alike):
    media, here = look_alike
    Decision.objects.filter(target_id=photo_id(media)).update(made_at=timezone.now() - timedelta(days=31))
    assert decisions.make_final() >= 1
    run_until_idle()
    desk = a_staff(Role.MODERATOR)
    claim(desk, here)

    [likeness] = desk.get(f"reports/{here.pk}/").context["likenesses"]

    assert (likeness.image, likeness.says) == ("", "Deleted for good: nothing of it is kept.")


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
