"""/accounts/manage_access/: people see and revoke the applications they let in."""

from django.test import Client

from accounts import tokens
from tests.support.applications import (
    a_browser,
    a_token,
    an_application,
    authorize_path,
    decide,
    exchange,
    flat_refusal,
    query_of,
)
from tests.support.people import a_person, body, refusal

PAGE = "/accounts/manage_access/"


def test_the_page_shows_who_was_let_in_with_scopes_and_nobody_else():
    anna = a_person()
    a_token(anna, an_application(name="Harbour Prints"), "likes")
    a_token(a_person(), an_application(name="Ferry Times"), "likes")

    text = a_browser(anna).get(PAGE).content.decode()

    assert "Harbour Prints" in text
    assert "<code>likes</code>" in text
    assert "Ferry Times" not in text


def test_an_application_is_shown_as_soon_as_it_is_allowed():
    anna, client = a_person(), an_application(name="Harbour Prints")
    browser = a_browser(anna)
    decide(browser, authorize_path(client))

    assert b"Harbour Prints" in browser.get(PAGE).content


def test_a_revoke_counts_for_the_very_next_call_and_for_codes_on_their_way():
    anna, client = a_person(), an_application(name="Harbour Prints")
    browser, token = a_browser(anna), a_token(anna, client, "likes")
    code = query_of(decide(browser, authorize_path(client)))["code"]
    body(Client().get("/v1/users/self", {"access_token": token}))  # it is in the cache now

    answer = browser.post(PAGE, {"token": tokens.authenticate(token).token_id})

    assert answer.status_code == 302
    assert refusal(Client().get("/v1/users/self", {"access_token": token})) == (
        "OAuthAccessTokenException",
        "The access_token provided is invalid.",
    )
    assert flat_refusal(exchange(client, code))[1] == "No matching code found."
    assert b"Harbour Prints" not in browser.get(PAGE).content


def test_nobody_revokes_for_another():
    token = a_token(a_person(), an_application())

    for wrong in (tokens.authenticate(token).token_id, "", "x", "\x00"):
        a_browser(a_person()).post(PAGE, {"token": wrong})

    body(Client().get("/v1/users/self", {"access_token": token}))


def test_revoking_needs_its_csrf_token():
    anna = a_person()
    token = a_token(anna, an_application())
    browser = a_browser(anna)
    browser.handler.enforce_csrf_checks = True

    assert browser.post(PAGE, {"token": tokens.authenticate(token).token_id}).status_code == 403
    body(Client().get("/v1/users/self", {"access_token": token}))
