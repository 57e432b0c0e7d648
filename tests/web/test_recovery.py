"""The pages behind mailed links."""

import re

import pytest

from accounts import tokens
from accounts.models import OAuthClient, User
from accounts.services.confirmation import CONFIRM_PATH, confirmation_token
from accounts.services.passwords import RESET_PATH, SECURE_PATH, reset_token
from jobs.testing import run_until_idle
from tests.support.applications import a_browser
from tests.support.people import a_person
from tests.web.test_sessions import is_signed_in, sign_in


def user_of(person):
    return User.objects.get(pk=person.id)


@pytest.mark.parametrize("by", ["username", "email", "nobody"])
def test_asking_for_a_link_says_the_same_whoever_is_meant(by, mailoutbox):
    anna = a_person()
    who = {"username": anna.username.upper(), "email": user_of(anna).email, "nobody": "nobody.at.all"}[by]

    answer = a_browser().post("/accounts/password_reset/", {"who": who})

    assert b"If there is an account of that name or address" in answer.content
    run_until_idle()
    mails = [each for each in mailoutbox if each.to == [user_of(anna).email]]
    assert len(mails) == (by != "nobody")


@pytest.mark.parametrize("who", ["", "  ", "\x00"])
def test_asking_for_nobody_is_asked_again(who):
    answer = a_browser().post("/accounts/password_reset/", {"who": who})

    assert b"Enter your username" in answer.content


def test_one_address_asks_for_so_many_links_only(settings):
    settings.RESETS_PER_ADDRESS = 2
    browser = a_browser()
    address = f"198.51.100.{a_person().id}"

    answers = [
        browser.post("/accounts/password_reset/", {"who": "nobody.at.all"}, HTTP_X_FORWARDED_FOR=address)
        for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_the_link_sets_a_password_once_and_ends_sessions(mailoutbox):
    anna, browser = a_person(), a_browser()
    elsewhere = a_browser()
    sign_in(elsewhere, anna)
    assert is_signed_in(elsewhere)
    browser.post("/accounts/password_reset/", {"who": anna.username})
    run_until_idle()
    mails = [each for each in mailoutbox if each.to == [user_of(anna).email]]
    message = next(each for each in mails if "password" in each.subject)
    path = re.search(r"(/accounts/\S+)", message.body)[1]

    form = browser.get(path)
    assert form["Referrer-Policy"] == "same-origin"  # browsers send "no-referrer" forms with Origin: null
    assert anna.username.encode() in form.content
    assert b"6 to 1000 characters" in browser.post(path, {"new_password": "short"}).content
    assert b"Your password is set" in browser.post(path, {"new_password": "another word"}).content

    assert not is_signed_in(elsewhere)
    assert browser.post(path, {"new_password": "third word"}).status_code == 400
    assert b"too old" in browser.get(path).content
    assert user_of(anna).check_password("another word")


@pytest.mark.parametrize(("path", "shut_out"), [(RESET_PATH, False), (SECURE_PATH, True)])
def test_this_was_not_me_shuts_every_application_out(path, shut_out):
    anna = a_person()
    tokens.issue(user_of(anna), OAuthClient.objects.create(name="Theirs"))
    address = f"{path}?token={reset_token(user_of(anna))}"
    # Whoever it was signs in again meanwhile: the link of the mail still works.
    sign_in(a_browser(), anna)

    answer = a_browser().post(address, {"new_password": "another word"})

    assert b"Your password is set" in answer.content
    left = user_of(anna).accesstoken_set.filter(is_active=True)
    assert [each.client.name for each in left] == ([] if shut_out else ["Theirs"])


@pytest.mark.parametrize("path", [RESET_PATH, SECURE_PATH])
@pytest.mark.parametrize("token", ["", "x", "1-abc-def", "1-a-b\x00"])
def test_a_bad_link_offers_a_new_one(path, token):
    answer = a_browser().get(path, {"token": token})

    assert answer.status_code == 400
    assert b"Mail me a link" in answer.content


def test_looking_at_the_link_confirms_nothing_pressing_the_button_does():
    anna = a_person(email_confirmed=False)
    address = f"{CONFIRM_PATH}?token={confirmation_token(user_of(anna))}"
    assert b"This is my address" in a_browser().get(address).content
    assert user_of(anna).email_confirmed_at is None

    for _ in range(2):
        assert b"Thank you" in a_browser().post(address).content
    assert user_of(anna).email_confirmed_at is not None
    assert a_browser().post(f"{CONFIRM_PATH}?token=x").status_code == 400
