"""Signing in and out of the web pages."""

import pytest

from accounts.models import User
from accounts.services import deactivate
from tests.support.applications import a_browser, csrf_token_of
from tests.support.people import a_person


def sign_in(browser, person, *wrong_password, lead_to="", **more):
    password = wrong_password[0] if wrong_password else "secret word"
    facts = {"username": person.username, "password": password, "next": lead_to}
    return browser.post("/accounts/login/", facts, **more)


def is_signed_in(browser):
    return browser.get("/accounts/manage_access/").status_code == 200


def test_the_right_password_signs_in_and_leads_on():
    browser = a_browser()

    answer = sign_in(browser, a_person(), lead_to="/developer/clients/?x=1")

    assert (answer.status_code, answer["Location"]) == (302, "/developer/clients/?x=1")
    assert is_signed_in(browser)


@pytest.mark.parametrize(
    "target",
    ["", "http://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "https:evil.example",
     "/ok\r\nX: 1", "///evil.example"],
)  # fmt: skip
def test_nobody_is_led_to_another_site(target):
    answer = sign_in(a_browser(), a_person(), lead_to=target)

    assert answer["Location"] == "/accounts/manage_access/"


@pytest.mark.parametrize("username", [None, "nobody.of.this.name", "a\x00b", "", "x" * 5000])
def test_a_wrong_name_or_password_says_neither_which(username):
    browser, person = a_browser(), a_person()

    answer = browser.post("/accounts/login/", {"username": username or person.username, "password": "wrong"})

    assert answer.status_code == 200
    assert b"This name and password do not fit together." in answer.content
    assert not is_signed_in(browser)


def test_the_login_form_needs_its_csrf_token_and_cannot_be_framed():
    browser, person = a_browser(enforce_csrf_checks=True), a_person()
    page = browser.get("/accounts/login/")

    assert page["X-Frame-Options"] == "DENY"
    assert sign_in(browser, person).status_code == 403
    facts = {"username": person.username, "password": "secret word", "csrfmiddlewaretoken": csrf_token_of(page)}
    assert browser.post("/accounts/login/", facts).status_code == 302


def test_signing_in_is_limited_per_name_and_address(settings):
    settings.LOGIN_FAILURES_PER_NAME_AND_ADDRESS = 3
    person, here, elsewhere = a_person(), {"X-Forwarded-For": "198.51.100.7"}, {"X-Forwarded-For": "198.51.100.8"}
    for _ in range(3):
        assert sign_in(a_browser(), person, "wrong", headers=here).status_code == 200

    refused = sign_in(a_browser(), person, headers=here)

    assert refused.status_code == 429
    assert b"Too many wrong passwords" in refused.content
    assert sign_in(a_browser(), person, headers=elsewhere).status_code == 302
    assert sign_in(a_browser(), a_person(), headers=here).status_code == 302


def test_signing_in_is_limited_per_name_from_everywhere(settings):
    settings.LOGIN_FAILURES_PER_NAME = 2
    person = a_person()
    for number in range(2):
        sign_in(a_browser(), person, "wrong", headers={"X-Forwarded-For": f"198.51.100.{10 + number}"})

    assert sign_in(a_browser(), person, headers={"X-Forwarded-For": "198.51.100.20"}).status_code == 429


def test_signing_in_is_limited_per_address_whatever_the_name(settings):
    settings.LOGIN_FAILURES_PER_ADDRESS = 2
    person = a_person()
    here = {"X-Forwarded-For": f"2001:db8::{person.id % 65536:x}"}  # of this run alone
    for name in range(2):
        a_browser().post("/accounts/login/", {"username": f"nobody{name}", "password": "wrong"}, headers=here)

    assert sign_in(a_browser(), person, headers=here).status_code == 429


def test_signing_in_brings_somebody_back_who_was_away_and_an_old_session_does_not():
    person = a_person()
    browser = a_browser(person)
    deactivate(person.id)

    assert not is_signed_in(browser)
    assert User.objects.get(pk=person.id).deactivated_at
    sign_in(browser, person)
    assert is_signed_in(browser)
    assert User.objects.get(pk=person.id).deactivated_at is None


def test_who_is_suspended_cannot_sign_in_and_is_out_at_once():
    person = a_person()
    browser = a_browser(person)
    User.objects.filter(pk=person.id).update(is_active=False)

    assert not is_signed_in(browser)
    assert sign_in(a_browser(), person).status_code == 200


def test_signing_out_takes_a_post():
    browser = a_browser(a_person())

    assert browser.get("/accounts/logout/").status_code == 200
    assert is_signed_in(browser)
    assert browser.post("/accounts/logout/").status_code == 302
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    "path",
    ["/accounts/manage_access", "/accounts/manage_access/", "/developer/clients", "/developer/clients/",
     "/developer/clients/register", f"/developer/clients/{'0' * 32}/"],
)  # fmt: skip
def test_pages_of_people_lead_through_the_login(path):
    answer = a_browser().get(path)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=")


def test_a_session_of_a_browser_opens_no_api():
    answer = a_browser(a_person()).get("/v1/users/self")

    assert answer.json()["meta"]["error_type"] == "OAuthParameterException"
