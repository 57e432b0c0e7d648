"""People in the admin: found by whatever is at hand, seen on one page, acted on with a reason."""

import io
import zipfile
from datetime import timedelta

import pytest
import requests
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import Suspension, User
from accounts.services.deletion import progress
from backoffice.acts import Role
from jobs.testing import run_until_idle
from sharding import shard_of
from sharding.ids import shortcode_of
from tests.support.people import a_person, refusal
from tests.support.staff import a_staff, staff_person


@pytest.fixture(scope="module")
def desks(test_databases, django_db_blocker):
    with django_db_blocker.unblock():
        yield {role: a_staff(role) for role in Role}


def found(desk, **asked):
    answer = desk.get("people/", **asked)
    assert answer.status_code == 200, answer.context["form"].errors
    return [row["user"].pk for row in answer.context["rows"]]


def test_a_person_is_found_by_all_their_names(desks):
    word = f"Zebulon{a_person().id}"
    anna = a_person(full_name=f"{word} Quist", phone=f"+44 (20) 7946-{a_person().id:07}")
    media = anna.upload()
    photo_id = int(media["id"].split("_")[0])
    code = shortcode_of(photo_id)
    anna.delete(f"/v1/media/{media['id']}")
    user = User.objects.get(pk=anna.id)

    for text in (
        str(anna.id), anna.username, f"@{anna.username.upper()}", anna.username[:-1], word.lower(), f"quist {word}",
        str(photo_id), media["id"], code, f"http://instagr.am/p/{code}/", f"http://127.0.0.1/{anna.username}/",
    ):  # fmt: skip
        assert anna.id in found(desks[Role.MODERATOR], q=text), text
    for text in (user.email.upper(), user.phone, user.phone.replace(" ", "")):
        assert found(desks[Role.SUPPORT], q=text) == [anna.id], text
        assert found(desks[Role.MODERATOR], q=text) == [], text


@pytest.mark.parametrize(
    "text", ["' OR 1=1 --", "\x00", "%", "9" * 40, "p/", "/p/!!/", "&|!:*", "ß", "x" * 300, "@", "-1"]
)
def test_whatever_is_typed_finds_something_or_nothing(text, desks):
    for role in (Role.SUPPORT, Role.MODERATOR):
        assert desks[role].get("people/", q=text).status_code == 200


def test_looking_somebody_up_by_e_mail_or_phone_is_written_down_in_every_list():
    desk, anna = a_staff(Role.SUPPORT), a_person(phone=f"+44 20 7947 {a_person().id:07}")
    user = User.objects.get(pk=anna.id)
    asked = [("people/", "q", user.email), ("people/", "q", user.phone), ("photos/", "person", user.email)]
    for path, field, text in [*asked, ("follows/", "person", user.phone)]:
        assert desk.get(path, **{field: text}).status_code == 200
    found(desk, q=anna.username)

    assert [(row.act, row.target_id) for row in desk.acts()] == [("people.contact", str(anna.id))] * 4


def test_filters_narrow_each_other(desks):
    desk = desks[Role.MODERATOR]
    people = [a_person(full_name=f"Filtered{desk.id} Person") for _ in range(4)]
    here, suspended, away, hidden = people
    desk.post(f"people/{suspended.id}/suspend/", why="spam")
    away.post("/v1/accounts/self/deactivate", password="secret word")
    hidden.post("/v1/accounts/self", is_private="1")
    mine = {"q": f"filtered{desk.id}"}
    shard = shard_of(here.id)

    assert found(desk, **mine) == [person.id for person in reversed(people)]
    assert found(desk, **mine, state="here") == [hidden.id, here.id]
    assert found(desk, **mine, state="suspended") == [suspended.id]
    assert found(desk, **mine, state="deactivated") == [away.id]
    assert found(desk, **mine, state="going") == []
    assert found(desk, **mine, private="1") == [hidden.id]
    assert found(desk, **mine, shard=shard.number) == [here.id]
    assert here.id in found(desk, **mine, server=shard.server.name)
    assert set(found(desk, **mine, server=shard.server.name)) == {
        person.id for person in people if shard_of(person.id).server == shard.server
    }
    today = f"{timezone.now():%Y-%m-%d}"
    assert len(found(desk, **mine, since=today)) == 4
    assert found(desk, **mine, until="2020-01-01") == []
    assert found(desk, staff="on", q=desk.username) == [desk.id]


@pytest.mark.parametrize(
    "asked", [{"shard": "64"}, {"shard": "-1"}, {"server": "shard_z"}, {"state": "odd"}, {"since": "x"}]
)
def test_a_bad_filter_is_a_400(asked, desks):
    assert desks[Role.SUPPORT].get("people/", **asked).status_code == 400


def test_a_page_costs_a_bounded_number_of_queries(desks, django_assert_max_num_queries):
    for _ in range(3):
        a_person()
    with django_assert_max_num_queries(8):
        desks[Role.SUPPORT].get("people/")
    person = a_person()
    person.upload()
    with django_assert_max_num_queries(30):
        desks[Role.ADMIN].get(f"people/{person.id}/")


def test_the_page_of_a_person_shows_what_there_is(desks):
    anna, ben = a_person(full_name="Anna <b>Bold</b>", bio="me"), a_person()
    media = anna.upload(caption="a caption")
    ben.follow(anna)
    ben.post(f"/v1/media/{media['id']}/report", reason="spam", text="look here")
    anna.post(f"/v1/users/{ben.id}/report", reason="harassment", text="he stares")
    answer = desks[Role.MODERATOR].get(f"people/{anna.id}/")

    page, shard = answer.content.decode(), shard_of(anna.id)
    assert answer.context["counts"] == {"media": 1, "follows": 0, "followed_by": 1}
    for words in (
        "Anna &lt;b&gt;Bold",
        "look here",
        "he stares",
        'alt="a caption"',
        f"shard {shard.number} on {shard.server.name}",
    ):
        assert words in page, words
    assert f"{anna.username}@example.com" not in page


def test_e_mail_and_private_photos_are_shown_to_who_may_and_it_is_written_down():
    anna, support, moderator = a_person(), a_staff(Role.SUPPORT), a_staff(Role.MODERATOR)
    anna.upload()
    anna.post("/v1/accounts/self", is_private="1")
    assert "photos" not in moderator.get(f"people/{anna.id}/").context

    assert f"{anna.username}@example.com" in support.post(f"people/{anna.id}/contact/").content.decode()
    assert len(moderator.post(f"people/{anna.id}/private_photos/").context["photos"]) == 1
    assert [row.act for row in support.acts()] == ["people.contact"]
    assert [row.act for row in moderator.acts()] == ["people.private_photos"]


def test_suspending_and_ending_it_through_the_pages():
    anna, desk = a_person(), a_staff(Role.MODERATOR)
    page = desk.get(f"people/{anna.id}/suspend/").content.decode()
    assert "cannot sign in" in page
    assert desk.post(f"people/{anna.id}/suspend/", days="7").status_code == 400
    assert User.objects.get(pk=anna.id).is_active
    answer = desk.browser.post(
        f"/admin/people/{anna.id}/suspend/", {"why": "spam", "days": "7", "told": "No spam."}, follow=True
    )
    assert "is suspended until" in answer.content.decode()
    row = Suspension.objects.get(pk=anna.id)
    assert (row.told, (row.until - timezone.now()) > timedelta(days=6)) == ("No spam.", True)
    assert refusal(Client().get("/v1/users/self", {"access_token": anna.token}))[0] == "OAuthAccessTokenException"

    assert desk.post(f"people/{anna.id}/unsuspend/", why="they said sorry").status_code == 302
    assert desk.post(f"people/{anna.id}/unsuspend/", why="again").status_code == 409
    assert anna.get("/v1/users/self")["data"]["id"] == str(anna.id)
    told = [(each.act, each.reason, each.before["suspended"], each.after["suspended"]) for each in desk.acts()]
    assert told == [("people.suspend", "spam", False, True), ("people.unsuspend", "they said sorry", True, False)]


def test_the_other_acts_do_what_they_say():
    anna, desk = a_person(), a_staff(Role.SUPPORT)

    def act(slug):
        assert desk.post(f"people/{anna.id}/{slug}/", why="asked for").status_code == 302, slug
        return User.objects.get(pk=anna.id)

    assert act("make_private").is_private
    assert act("deactivate").deactivated_at is not None
    assert act("reactivate").deactivated_at is None
    run_until_idle()
    mail.outbox.clear()
    act("reset_password")
    run_until_idle()
    assert [message.to for message in mail.outbox] == [[f"{anna.username}@example.com"]]
    act("sign_out")
    assert refusal(Client().get("/v1/users/self", {"access_token": anna.token}))[0] == "OAuthAccessTokenException"
    act("export")
    assert desk.post(f"people/{anna.id}/export/", why="again").status_code == 409
    assert [each.act for each in desk.acts()] == [
        f"people.{name}"
        for name in ("make_private", "deactivate", "reactivate", "reset_password", "sign_out", "export")
    ]


def test_an_export_is_fetched_by_an_admin_with_a_reason():
    anna, desk = a_person(), a_staff(Role.ADMIN)
    anna.upload()
    assert "no archive" in desk.get(f"people/{anna.id}/fetch_export/").content.decode()
    desk.post(f"people/{anna.id}/export/", why="a letter of theirs")
    run_until_idle()

    assert desk.post(f"people/{anna.id}/fetch_export/").status_code == 400
    page = desk.post(f"people/{anna.id}/fetch_export/", why="a letter of theirs")
    archive = requests.get(page.context["address"], timeout=10)
    assert archive.status_code == 200
    assert zipfile.is_zipfile(io.BytesIO(archive.content))
    assert [each.act for each in desk.acts()] == ["people.export", "people.fetch_export"]


def test_deleting_needs_the_name_and_shows_its_steps_to_the_end():
    anna, desk = a_person(), a_staff(Role.ADMIN)
    anna.upload()
    answer = desk.post(f"people/{anna.id}/delete/", why="asked by letter", when="now", name="somebody.else")
    assert answer.status_code == 400
    assert progress(anna.id)["status"] == "none"
    assert (
        desk.post(f"people/{anna.id}/delete/", why="asked by letter", when="now", name=anna.username).status_code == 302
    )
    assert "Deletion: deleting" in desk.get(f"people/{anna.id}/").content.decode()
    assert desk.post(f"people/{anna.id}/suspend/", why="too late").status_code == 409
    run_until_idle()

    page = desk.get(f"people/{anna.id}/").content.decode()
    assert "Deletion: deleted" in page
    assert "asked by letter" in page
    assert desk.get("people/99999999999/").status_code == 404


def test_a_deletion_for_later_is_called_off_by_reactivating():
    anna, desk = a_person(), a_staff(Role.ADMIN)
    desk.post(f"people/{anna.id}/delete/", why="asked", when="later", name=anna.username)
    assert progress(anna.id)["status"] == "scheduled"
    assert anna.id in found(desk, q=anna.username, state="going")
    desk.post(f"people/{anna.id}/reactivate/", why="they called")

    assert progress(anna.id)["status"] == "none"
    assert anna.get("/v1/users/self")["data"]["id"] == str(anna.id)


def test_nobody_acts_on_themselves_and_only_admins_on_staff():
    desk, other = a_staff(Role.MODERATOR), staff_person(Role.SUPPORT)

    assert desk.post(f"people/{desk.id}/suspend/", why="tired").status_code == 409
    assert desk.post(f"people/{other.id}/suspend/", why="rivalry").status_code == 409
    assert User.objects.filter(pk__in=[desk.id, other.id], is_active=True).count() == 2
    assert a_staff(Role.ADMIN).post(f"people/{other.id}/suspend/", why="left the house").status_code == 302
