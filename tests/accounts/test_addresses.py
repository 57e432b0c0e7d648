"""Another e-mail address: the earlier one is told, and takes the account back whatever was changed since."""

import re

import pytest
from django.core import mail as django_mail
from django.test import Client

from accounts import mail
from accounts.models import EmailChange, User
from accounts.services import addresses, change_profile, check_password, request_reset, reset_password, sign_up
from accounts.services.passwords import reset_token
from instagram.errors import InvalidParameters
from jobs.testing import run_until_idle
from tests.support.applications import a_browser
from tests.support.people import a_person, refusal


@pytest.fixture(autouse=True)
def _outbox(mailoutbox):
    """Keep what is mailed."""


def user_of(person):
    return User.objects.get(pk=person.id)


def move(person, to):
    """Change a person's address as whoever has their token; return the one before and what it was mailed."""
    earlier, address = user_of(person).email, f"{to}.{person.username}@example.com"
    person.post("/v1/accounts/self", email=address)
    run_until_idle()
    subject = mail.SUBJECTS["email_changed"]
    return earlier, [each for each in django_mail.outbox if each.to == [earlier] and each.subject == subject][-1]


def link_in(message):
    return re.search(r"(/accounts/take_back/\?token=(\S+))", message.body)


def token_in(message):
    return link_in(message)[2]


def test_the_earlier_address_takes_the_account_back_from_whoever_has_token_address_and_password():
    anna = a_person()
    earlier, message = move(anna, "thief")
    # All that a thief of the phone can do from there.
    reset_password(reset_token(user_of(anna)), "thief's word")
    user = addresses.take_back(token_in(message), "anna's word")

    assert (user.pk, user.email) == (anna.id, earlier)
    assert user_of(anna).email_confirmed_at is not None
    assert check_password(anna.username, "thief's word") is None
    assert check_password(anna.username, "anna's word") is not None
    assert refusal(Client().get("/v1/accounts/self", {"access_token": anna.token}))[0] == "OAuthAccessTokenException"


def test_a_way_back_works_once():
    anna = a_person()
    _, message = move(anna, "other")
    addresses.take_back(token_in(message), "anna's word")

    with pytest.raises(InvalidParameters):
        addresses.take_back(token_in(message), "somebody's word")
    assert check_password(anna.username, "anna's word") is not None


def test_taking_it_back_makes_the_links_of_later_addresses_worthless():
    anna = a_person()
    earlier, message = move(anna, "thief")
    User.objects.filter(pk=anna.id).update(email_confirmed_at=user_of(anna).date_joined)  # the thief confirmed theirs
    _, to_thief = move(anna, "thief2")
    addresses.take_back(token_in(message), "anna's word")

    with pytest.raises(InvalidParameters):
        addresses.take_back(token_in(to_thief), "thief's word")
    assert user_of(anna).email == earlier


def test_nobody_else_gets_an_address_that_may_come_back(settings):
    anna, thief = a_person(), a_person()
    earlier, _ = move(anna, "thief")

    with pytest.raises(InvalidParameters, match="email: already taken"):
        change_profile(thief.id, email=earlier)
    with pytest.raises(InvalidParameters, match="email: already taken"):
        sign_up(username=f"{thief.username}.2", password="secret word", email=earlier.upper())
    change_profile(anna.id, email=earlier)
    move(anna, "again")
    settings.EMAIL_TAKE_BACK_DAYS = 0
    change_profile(thief.id, email=earlier)


def test_an_address_that_was_never_confirmed_is_told_and_has_no_way_back():
    anna = a_person(email_confirmed=False)
    earlier, message = move(anna, "right")

    assert link_in(message) is None
    assert "take_back" not in message.alternatives[0][0]
    assert change_profile(a_person().id, email=earlier).email == earlier


def test_a_thief_who_changes_it_often_does_not_use_up_the_mail_to_the_first_address(settings):
    settings.MAILS_PER_HOUR = 1
    anna = a_person()
    earlier = user_of(anna).email
    for number in range(3):
        change_profile(anna.id, email=f"thief{number}.{anna.username}@example.com")
    run_until_idle()

    assert [each.subject for each in django_mail.outbox if each.to == [earlier]] == [mail.SUBJECTS["email_changed"]]


@pytest.mark.parametrize("token", ["", "x", "MQ:1a:b"])
def test_a_forged_link_takes_nothing_back(token):
    with pytest.raises(InvalidParameters):
        addresses.take_back(token, "thief's word")


def test_an_old_link_takes_nothing_back_and_is_forgotten(settings):
    anna = a_person()
    _, message = move(anna, "other")
    settings.EMAIL_TAKE_BACK_DAYS = 0

    with pytest.raises(InvalidParameters):
        addresses.take_back(token_in(message), "anna's word")
    addresses.sweep()
    assert not EmailChange.objects.filter(user=anna.id).exists()


def test_the_page_behind_the_link_asks_for_a_password_first():
    anna, browser = a_person(), a_browser()
    earlier, message = move(anna, "thief")
    path = link_in(message)[1]

    form = browser.get(path)
    assert form["Referrer-Policy"] == "same-origin"  # browsers send "no-referrer" forms with Origin: null
    assert earlier.encode() in form.content
    assert b"6 to 1000 characters" in browser.post(path, {"new_password": "short"}).content
    assert user_of(anna).email != earlier
    assert b"Your account is yours again" in browser.post(path, {"new_password": "anna's word"}).content
    assert user_of(anna).email == earlier
    for answer in (browser.get(path), browser.post(path, {"new_password": "another word"})):
        assert answer.status_code == 400
        assert b"used already" in answer.content


def test_a_forgotten_password_is_mailed_to_the_address_of_now():
    anna = a_person()
    earlier, _ = move(anna, "other")
    request_reset(username=anna.username)
    run_until_idle()

    subject = mail.SUBJECTS["password_reset"]
    assert [each.to for each in django_mail.outbox if each.subject == subject] == [[user_of(anna).email]]
    assert earlier != user_of(anna).email
