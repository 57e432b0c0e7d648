"""/developer/clients/: developers register and switch their applications."""

import re

import pytest
from django.test import Client

from accounts.models import OAuthClient
from tests.support.applications import CALLBACK, a_browser, a_token, an_application
from tests.support.people import a_person, body, refusal

LIST = "/developer/clients/"
FACTS = {"name": "Harbour Prints", "redirect_uris": f"{CALLBACK}\r\nmyapp://authorize"}


@pytest.fixture
def anna():
    return a_person()


@pytest.fixture
def browser(anna):
    return a_browser(anna)


@pytest.fixture
def client(anna, browser):
    browser.post(f"{LIST}register/", FACTS)
    return OAuthClient.objects.get(owner=anna.id)


def page_of(client):
    return f"{LIST}{client.client_id}/"


def test_registering_shows_id_secret_and_redirect_uris(anna, browser):
    page = browser.post(f"{LIST}register/", FACTS, follow=True)
    client = OAuthClient.objects.get(owner=anna.id)
    text = page.content.decode()

    assert page.redirect_chain == [(page_of(client), 302)]
    assert client.client_id in text
    assert client.client_secret in text
    assert re.search(r"http://prints.example/callback\s+myapp://authorize</textarea>", text)
    assert (client.is_active, client.disable_implicit) == (True, False)
    assert client.client_id in browser.get(LIST).content.decode()


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"name": "a\x00b"}, {"name": "x" * 500}, {"redirect_uris": "javascript:x"}, {"website": "no"}],
)  # fmt: skip
def test_a_bad_form_is_shown_again_with_what_is_wrong(anna, browser, changes):
    page = browser.post(f"{LIST}register/", FACTS | changes)

    assert page.status_code == 400
    assert b'class="problem"' in page.content
    assert not OAuthClient.objects.filter(owner=anna.id).exists()


def test_too_many_applications_are_refused_in_the_form(client, browser, settings):
    settings.APPLICATIONS_PER_PERSON = 1

    page = browser.post(f"{LIST}register/", FACTS)

    assert page.status_code == 400
    assert b"at most 1 applications" in page.content


@pytest.mark.parametrize("switch", ["disable_implicit", "enforce_signed_header", "enforce_signed_requests"])
def test_switches_are_saved_and_those_left_out_are_off(client, browser, switch):
    browser.post(page_of(client), FACTS | {"do": "save", "is_active": "on", switch: "on"})
    client.refresh_from_db()
    assert (client.is_active, getattr(client, switch)) == (True, True)

    browser.post(page_of(client), FACTS | {"do": "save", "name": "New name"})
    client.refresh_from_db()
    assert (client.name, client.is_active, getattr(client, switch)) == ("New name", False, False)


def test_first_party_and_xauth_are_not_self_service(client, browser):
    browser.post(page_of(client), FACTS | {"do": "save", "is_active": "on", "first_party": "on", "xauth": "on"})
    browser.post(f"{LIST}register/", FACTS | {"first_party": "on", "xauth": "on"})

    assert not OAuthClient.objects.filter(owner=client.owner_id, first_party=True).exists()
    assert not OAuthClient.objects.filter(owner=client.owner_id, xauth=True).exists()


def test_a_bad_change_is_shown_again_and_changes_nothing(client, browser):
    page = browser.post(page_of(client), FACTS | {"do": "save", "redirect_uris": "javascript:alert(1)"})

    assert page.status_code == 400
    client.refresh_from_db()
    assert client.redirect_uris == FACTS["redirect_uris"].replace("\r", "")


def test_a_new_secret_takes_the_place_of_the_old(client, browser):
    old = client.client_secret
    browser.post(page_of(client), {"do": "reset_secret"})
    client.refresh_from_db()

    assert client.client_secret != old
    assert len(client.client_secret) == 32
    assert client.client_secret in browser.get(page_of(client)).content.decode()


def test_deleting_asks_first_and_takes_all_tokens_along(client, browser):
    ben = a_person()
    token = a_token(ben, client)
    browser.post(page_of(client), {"do": "delete"})
    body(Client().get("/v1/users/self", {"access_token": a_token(ben, an_application())}))
    assert browser.get(page_of(client)).status_code == 200

    answer = browser.post(page_of(client), {"do": "delete", "sure": "1"})

    assert answer["Location"] == LIST
    assert browser.get(page_of(client)).status_code == 404
    assert refusal(Client().get("/v1/users/self", {"access_token": token}))[0] == "OAuthAccessTokenException"


def test_another_developer_sees_and_changes_nothing(client):
    other = a_browser(a_person())

    assert other.get(page_of(client)).status_code == 404
    for asked in ({"do": "delete", "sure": "1"}, {"do": "reset_secret"}, FACTS | {"do": "save", "name": "mine"}):
        assert other.post(page_of(client), asked).status_code == 404
    before = client.client_secret
    client.refresh_from_db()
    assert (client.name, client.client_secret, client.deleted_at) == ("Harbour Prints", before, None)


def test_pages_need_their_csrf_token_and_cannot_be_framed_or_kept(client, browser):
    page = browser.get(page_of(client))
    assert page["X-Frame-Options"] == "DENY"
    assert "no-store" in page["Cache-Control"]
    browser.handler.enforce_csrf_checks = True

    for path, asked in ((f"{LIST}register/", FACTS), (page_of(client), {"do": "delete", "sure": "1"})):
        assert browser.post(path, asked).status_code == 403


def test_what_developers_write_is_escaped(anna, browser):
    browser.post(f"{LIST}register/", FACTS | {"name": "<script>alert(1)</script>"})

    assert b"<script>" not in browser.get(LIST).content
