"""Suspending: shut out and hidden, told why, taken back entirely; and signing somebody out everywhere."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.clients import first_party_client
from accounts.models import Suspension, User
from accounts.services import attempts, request_deletion, sign_out_everywhere, suspend, suspension, unsuspend
from accounts.services.deletion import progress
from instagram.errors import InvalidParameters, NotFound
from jobs.testing import run_until_idle
from tests.support.people import a_person, refusal


def sign_in(person):
    client = first_party_client()
    return Client().post(
        "/oauth/access_token",
        {
            "client_id": client.client_id, "client_secret": client.client_secret, "grant_type": "password",
            "username": person.username, "password": "secret word",
        },
    )  # fmt: skip


def on_the_web(person):
    browser = Client()
    browser.post("/accounts/login/", {"username": person.username, "password": "secret word"})
    return browser


def test_a_suspended_person_is_hidden_shut_out_and_back_with_everything():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    ben.follow(anna)
    browser = on_the_web(anna)
    assert browser.get("/accounts/manage_access/").status_code == 200
    before = ben.get(f"/v1/users/{anna.id}")["data"]
    suspend(anna.id)
    run_until_idle()

    assert refusal(Client().get("/v1/users/self", {"access_token": anna.token}))[0] == "OAuthAccessTokenException"
    assert refusal(Client().get(f"/v1/users/{anna.id}", {"access_token": ben.token}))[0] == "APINotFoundError"
    assert refusal(Client().get(f"/v1/media/{media['id']}", {"access_token": ben.token}))[0] == "APINotFoundError"
    assert ben.get("/v1/users/self/feed")["data"] == []
    assert browser.get("/accounts/manage_access/").status_code == 302

    unsuspend(anna.id)
    assert ben.get(f"/v1/users/{anna.id}")["data"] == before
    assert [each["id"] for each in ben.get("/v1/users/self/feed")["data"]] == [media["id"]]
    assert anna.get("/v1/users/self")["data"]["id"] == str(anna.id)


def test_who_knows_the_password_is_told_until_when_and_why_by_every_door():
    anna = a_person()
    suspend(anna.id, until=timezone.now() + timedelta(days=3), told="Spam in comments.")
    row = Suspension.objects.get(pk=anna.id)
    words = f"This account is suspended until {row.until:%-d %B %Y, %H:%M} UTC. Spam in comments."

    answer = sign_in(anna)
    assert (answer.status_code, answer.json()["error_message"]) == (400, words)
    page = Client().post("/accounts/login/", {"username": anna.username, "password": "secret word"})
    assert words in page.content.decode()
    assert attempts.sign_in_from("203.0.113.9", username=anna.username, password="wrong") is None


def test_a_suspension_ends_by_itself():
    anna, ben = a_person(), a_person()
    for person in (anna, ben):
        suspend(person.id, until=timezone.now() + timedelta(hours=1))
    Suspension.objects.filter(pk__in=[anna.id, ben.id]).update(until=timezone.now() - timedelta(seconds=1))

    assert sign_in(anna).status_code == 200  # at the door, before anybody swept
    suspension.end_due()
    suspension.end_due()
    assert sign_in(ben).status_code == 200
    assert not Suspension.objects.filter(pk__in=[anna.id, ben.id]).exists()


def test_a_second_suspension_changes_the_first():
    anna = a_person()
    suspend(anna.id, until=timezone.now() + timedelta(hours=1), told="once")
    suspend(anna.id, told="twice")
    suspension.end_due()

    assert sign_in(anna).json()["error_message"] == "This account is suspended. twice"


def test_nonsense_is_refused():
    anna = a_person()
    with pytest.raises(InvalidParameters):
        suspend(anna.id, until=timezone.now() - timedelta(days=1))
    with pytest.raises(NotFound):
        suspend(9_999_999_999)
    with pytest.raises(NotFound):
        sign_out_everywhere(9_999_999_999)


def test_who_is_being_deleted_is_neither_suspended_nor_let_in():
    anna, ben = a_person(), a_person()
    suspend(ben.id)
    for person in (anna, ben):
        request_deletion(person.id, at_once=True)
    assert progress(anna.id)["status"] == "deleting"
    with pytest.raises(InvalidParameters):
        suspend(anna.id)
    with pytest.raises(InvalidParameters):
        unsuspend(ben.id)
    assert sign_in(ben).json()["error_message"] == "The username or password is wrong."

    run_until_idle()
    assert not User.objects.filter(pk__in=[anna.id, ben.id]).exists()
    assert progress(anna.id)["status"] == "deleted"


def test_at_once_takes_over_a_deletion_that_was_wished_for_later():
    anna = a_person()
    request_deletion(anna.id)
    assert progress(anna.id)["status"] == "scheduled"
    request_deletion(anna.id, at_once=True)

    assert progress(anna.id)["status"] == "deleting"


def test_signing_somebody_out_everywhere_ends_sessions_and_tokens_but_not_the_password():
    anna = a_person()
    browsers = [on_the_web(anna) for _ in range(2)]
    assert {each.get("/accounts/manage_access/").status_code for each in browsers} == {200}
    sign_out_everywhere(anna.id)

    assert {each.get("/accounts/manage_access/").status_code for each in browsers} == {302}
    assert refusal(Client().get("/v1/users/self", {"access_token": anna.token}))[0] == "OAuthAccessTokenException"
    assert on_the_web(anna).get("/accounts/manage_access/").status_code == 200
    assert sign_in(anna).status_code == 200
