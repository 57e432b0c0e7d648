"""The admin's door: limits, codes, and the password again before what is dangerous."""

import time

import pytest
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import OAuthClient, User
from backoffice.acts import Role
from backoffice.models import Entry
from tests.support.people import a_person
from tests.support.staff import a_staff, sign_in, staff_person


def test_staff_gets_in_with_the_password_and_it_is_written_down():
    person = staff_person(Role.SUPPORT)
    browser = Client()

    assert sign_in(browser, person, next="/admin/people/?q=x")["Location"] == "/admin/people/?q=x"
    assert browser.get("/admin/people/").status_code == 200
    assert Entry.objects.filter(actor_id=person.id, act="staff.sign_in").count() == 1


@pytest.mark.parametrize("password", ["wrong", "x" * 2_000])
def test_a_wrong_password_and_a_person_who_is_no_staff_hear_the_same(password):
    for person in (staff_person(Role.ADMIN), a_person()):
        browser = Client()
        answer = sign_in(browser, person, password)
        assert answer.status_code == 200
        assert "_auth_user_id" not in browser.session
    assert b"do not fit together, or are not staff" in sign_in(Client(), a_person()).content


def test_guessing_is_limited_as_at_every_door():
    person = staff_person(Role.ADMIN)
    for _ in range(10):
        sign_in(Client(), person, "wrong")

    assert sign_in(Client(), person).status_code == 429


def test_the_next_address_never_leads_elsewhere():
    for target in ("https://evil.example/admin/", "//evil.example", "/p/abc/", "/admin/\n"):
        assert sign_in(Client(), staff_person(Role.SUPPORT), next=target)["Location"] == "/admin/"


def test_a_session_of_the_web_pages_does_not_open_the_admin():
    person = staff_person(Role.ADMIN)
    browser = Client()
    browser.post("/accounts/login/", {"username": person.username, "password": "secret word"})

    assert browser.get("/admin/")["Location"].startswith("/admin/login/")


def test_a_working_day_later_staff_signs_in_again(settings):
    desk = a_staff(Role.ADMIN)
    settings.OFFICE_SESSION_S = 0

    assert desk.get("people/")["Location"].startswith("/admin/login/")


def test_dangerous_pages_ask_for_the_password_again_after_a_while(settings):
    desk, person = a_staff(Role.ADMIN), a_person()
    settings.OFFICE_PROOF_S = 0
    here = f"/admin/people/{person.id}/delete/"
    asked = desk.browser.post(here, {"why": "spam", "when": "later", "name": person.username})
    assert asked["Location"].startswith("/admin/prove/?next=")
    assert User.objects.get(pk=person.id).deactivated_at is None
    assert desk.get(f"people/{person.id}/make_private/").status_code == 200

    assert b"Wrong password" in desk.post("prove/", password="wrong", next=here).content
    settings.OFFICE_PROOF_S = 600
    session = desk.browser.session
    session["office"] = session["office"] | {"at": time.time() - 601}
    session.save()
    assert desk.browser.get(here).status_code == 302
    assert desk.post("prove/", password="secret word", next=here)["Location"] == here
    assert desk.browser.get(here).status_code == 200


def test_guessing_there_is_limited_too():
    desk = a_staff(Role.ADMIN)
    for _ in range(10):
        desk.post("prove/", password="wrong")

    assert desk.post("prove/", password="secret word").status_code == 429


def test_changing_an_application_asks_for_password_and_reason(settings):
    desk = a_staff(Role.ADMIN)
    row = OAuthClient.objects.create(name="an application", owner_id=desk.id)
    address = f"accounts/oauthclient/{row.pk}/change/"
    facts = {
        "name": "another name",
        "description": "x",
        "website": "",
        "redirect_uris": "http://a.example/",
        "is_active": "on",
    }
    page = desk.get(address).content.decode()
    assert row.client_secret not in page
    assert desk.post(address, **facts).status_code == 200  # no reason: the form again
    settings.OFFICE_PROOF_S = 0
    assert desk.post(address, **facts, why="wished").headers["Location"].startswith("/admin/prove/")
    row.refresh_from_db()
    assert row.name == "an application"
    settings.OFFICE_PROOF_S = 600
    assert desk.post(address, **facts, why="wished").status_code == 302

    row.refresh_from_db()
    assert row.name == "another name"
    (entry,) = desk.acts()
    assert (entry.act, entry.reason, entry.before["name"], entry.after["name"]) == (
        "applications.change", "wished", "an application", "another name"
    )  # fmt: skip


def code_of(user_id, *, ahead=0):
    device = TOTPDevice.objects.get(user=user_id)
    return f"{totp(device.bin_key, drift=ahead):06}"


def enrolled():
    desk = a_staff(Role.ADMIN)
    assert b"data:image/svg+xml" in desk.get("second_factor/").content
    assert desk.post("second_factor/", code="000000" if code_of(desk.id) != "000000" else "111111").status_code == 400
    TOTPDevice.objects.filter(user=desk.id).update(throttling_failure_count=0, throttling_failure_timestamp=None)
    answer = desk.post("second_factor/", code=code_of(desk.id))
    return desk, answer.context["codes"]


def test_with_a_second_factor_the_password_alone_opens_nothing():
    desk, codes = enrolled()
    assert desk.get("people/").status_code == 200
    browser = Client()
    assert b"code is needed" in sign_in(browser, desk).content
    assert browser.get("/admin/")["Location"].startswith("/admin/login/")

    assert sign_in(Client(), desk, code=code_of(desk.id)).status_code == 200  # used already: at enrolment
    TOTPDevice.objects.filter(user=desk.id).update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert sign_in(browser, desk, code=code_of(desk.id, ahead=1)).status_code == 302
    assert browser.get("/admin/people/").status_code == 200
    assert sign_in(Client(), desk, code=codes[0]).status_code == 302
    assert sign_in(Client(), desk, code=codes[0]).status_code == 200


def test_a_second_factor_is_taken_away_by_its_owner_and_written_down():
    desk, _ = enrolled()
    assert desk.post("second_factor/").status_code == 302

    assert sign_in(Client(), desk).status_code == 302
    assert [(row.before, row.after) for row in desk.acts()] == [
        ({"factor": False}, {"factor": True}), ({"factor": True}, {"factor": False})
    ]  # fmt: skip


def test_where_a_second_factor_is_a_must_staff_sets_it_up_first(settings):
    desk = a_staff(Role.ADMIN)
    settings.OFFICE_SECOND_FACTOR = True

    assert desk.get("people/")["Location"] == "/admin/second_factor/"
    desk.get("second_factor/")
    desk.post("second_factor/", code=code_of(desk.id))
    assert desk.get("people/").status_code == 200


def test_every_answer_forbids_scripts_of_others_and_being_kept():
    desk = a_staff(Role.ADMIN)
    for answer in (Client().get("/admin/login/"), desk.get(""), desk.get("people/"), desk.get("accounts/oauthclient/")):
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert "no-store" in answer["Cache-Control"]
        assert "<script>" not in answer.content.decode()
