"""/oauth/authorize: who is asked, what they are told, where the browser goes (the contract's section 4.4)."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts import tokens
from tests.support.applications import (
    CALLBACK,
    a_browser,
    a_token,
    an_application,
    authorize_path,
    csrf_token_of,
    decide,
    exchange,
    flat_refusal,
    fragment_of,
    query_of,
)
from tests.support.people import a_person, body

MISSING = "You must include a valid client_id, response_type, and redirect_uri parameters"


@pytest.fixture(scope="module")
def anna():
    return a_person()


@pytest.fixture(scope="module")
def browser(anna):
    return a_browser(anna)


# --- the consent page ---


def test_the_page_names_the_application_and_each_scope_and_has_both_buttons(browser):
    client = an_application(name="Harbour <b>Prints</b>")

    page = browser.get(authorize_path(client, scope="likes+comments".replace("+", " ")))
    text = page.content.decode()

    assert page.status_code == 200
    assert "Harbour &lt;b&gt;Prints&lt;/b&gt;" in text
    assert [scope for scope in tokens.SCOPES if f"<code>{scope}</code>" in text] == ["basic", "comments", "likes"]
    assert 'value="allow"' in text
    assert 'value="deny"' in text


@pytest.mark.parametrize("spelling", ["", "/", ".json", ".json/"])
def test_every_spelling_is_the_page_itself(browser, spelling):
    path = authorize_path(an_application()).replace("/authorize", f"/authorize{spelling}")

    assert browser.get(path).status_code == 200


def test_display_touch_is_the_layout_for_phones(browser):
    client = an_application()

    assert b'class="touch"' in browser.get(authorize_path(client, display="touch")).content
    assert b'class="touch"' not in browser.get(authorize_path(client)).content


def test_the_page_cannot_be_framed_or_kept_and_needs_its_csrf_token(anna):
    browser = a_browser(enforce_csrf_checks=True)
    path = authorize_path(an_application())
    login = browser.get("/accounts/login/")
    browser.post(
        "/accounts/login/",
        {"username": anna.username, "password": "secret word", "csrfmiddlewaretoken": csrf_token_of(login)},
    )

    page = browser.get(path)

    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert "no-store" in page["Cache-Control"]
    forged = browser.post(path, {"decision": "allow"})
    assert forged.status_code == 403
    assert b"Please try again" in forged.content
    answer = browser.post(path, {"decision": "allow", "csrfmiddlewaretoken": csrf_token_of(page)})
    assert answer.status_code == 302


# --- the explicit flow ---


def test_allowing_sends_a_code_that_can_be_exchanged(anna, browser):
    client = an_application()

    there = decide(browser, authorize_path(client))

    assert there.startswith(f"{CALLBACK}?code=")
    assert set(query_of(there)) == {"code"}
    assert exchange(client, query_of(there)["code"]).json()["user"]["id"] == str(anna.id)


def test_state_comes_back_and_the_query_of_the_redirect_uri_stays(browser):
    client = an_application()
    path = authorize_path(client, redirect_uri=f"{CALLBACK}?session=4&x=", state="a b&c=d#ä")

    there = decide(browser, path)

    assert there.startswith(f"{CALLBACK}?session=4&x=&code=")
    assert query_of(there)["state"] == "a b&c=d#ä"
    assert urlsplit(there).fragment == ""


def test_a_scheme_of_an_app_is_redirected_to(browser):
    client = an_application(redirect_uris=f"{CALLBACK}\nmyapp://authorize")

    there = decide(browser, authorize_path(client, redirect_uri="myapp://authorize"))

    assert there.startswith("myapp://authorize?code=")
    assert exchange(client, query_of(there)["code"], redirect_uri="myapp://authorize").status_code == 200


# --- the implicit flow ---


def test_allowing_the_implicit_flow_sends_the_token_in_the_fragment(anna, browser):
    client = an_application()

    there = decide(browser, authorize_path(client, response_type="token", scope="likes", state="xyz"))

    assert there.startswith(f"{CALLBACK}#access_token={anna.id}.{client.client_id[:7]}.")
    assert fragment_of(there)["state"] == "xyz"
    assert parse_qs(urlsplit(there).query) == {}
    token = fragment_of(there)["access_token"]
    assert tokens.authenticate(token).scopes == ("likes",)
    assert body(Client().get("/v1/users/self", {"access_token": token}))["data"]["id"] == str(anna.id)


def test_a_client_that_disabled_the_implicit_flow_refuses_it(browser):
    client = an_application(disable_implicit=True)

    assert flat_refusal(browser.get(authorize_path(client, response_type="token")), status=403) == (
        "OAuthForbiddenException",
        "Implicit authentication is disabled",
    )
    assert browser.get(authorize_path(client)).status_code == 200


# --- denying ---


@pytest.mark.parametrize("response_type", ["code", "token"])
def test_denying_tells_the_client_and_gives_nothing(anna, browser, response_type):
    client = an_application()

    there = decide(browser, authorize_path(client, state="xyz", response_type=response_type), "deny")

    assert there == (
        f"{CALLBACK}?error=access_denied&error_reason=user_denied"
        "&error_description=The+user+denied+your+request&state=xyz"
    )
    assert client.accesstoken_set.count() == 0


def test_neither_allow_nor_deny_is_refused(browser):
    assert browser.post(authorize_path(an_application()), {"decision": "maybe"}).status_code == 400


# --- asked before ---


def test_who_allowed_all_of_it_before_is_sent_back_at_once(browser):
    client = an_application()
    decide(browser, authorize_path(client, scope="likes comments"))

    answer = browser.get(authorize_path(client, scope="likes", state="s"))

    assert answer.status_code == 302
    assert query_of(answer["Location"])["state"] == "s"
    assert exchange(client, query_of(answer["Location"])["code"]).status_code == 200


def test_who_allowed_a_part_of_it_is_asked_and_the_scopes_add_up(anna, browser):
    client = an_application()
    token = a_token(anna, client, "likes")

    assert browser.get(authorize_path(client, scope="likes relationships")).status_code == 200
    decide(browser, authorize_path(client, scope="relationships"))

    assert tokens.authenticate(token).scopes == ("likes", "relationships")


def test_who_revoked_is_asked_again(anna, browser):
    client = an_application()
    tokens.revoke(tokens.authenticate(a_token(anna, client)).token_id)

    assert browser.get(authorize_path(client)).status_code == 200


# --- signing in first ---


@pytest.mark.parametrize("changes", [{}, {"state": "a&b=c", "scope": "likes comments", "display": "touch"}])
def test_who_is_logged_out_logs_in_first_and_comes_back(anna, changes):
    client, browser = an_application(), a_browser()
    path = authorize_path(client, **changes)

    page = browser.get(path, follow=True)
    assert page.status_code == 200
    assert page.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert (b'class="touch"' in page.content) == ("display" in changes)
    there = browser.post(
        page.redirect_chain[-1][0],
        {"username": anna.username, "password": "secret word", "next": query_of(page.redirect_chain[-1][0])["next"]},
        follow=True,
    )
    assert there.redirect_chain == [(path, 302)]
    assert client.name in there.content.decode()


def test_a_decision_without_a_session_decides_nothing():
    client = an_application()

    answer = a_browser().post(authorize_path(client), {"decision": "allow"})

    assert answer["Location"].startswith("/accounts/login/")
    assert client.accesstoken_set.count() == 0


# --- bad requests are told and never redirected ---


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("verb", ["get", "post"])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"client_id": ""}, MISSING),
        ({"redirect_uri": ""}, MISSING),
        ({"response_type": ""}, MISSING),
        ({"response_type": "password"}, MISSING),
        ({"client_id": "0" * 32}, "Invalid Client ID"),
        ({"client_id": "a\x00b"}, "Invalid Client ID"),
        ({"redirect_uri": "http://evil.example/"}, "Redirect URI does not match registered redirect URI"),
        ({"redirect_uri": f"{CALLBACK}/more"}, "Redirect URI does not match registered redirect URI"),
        ({"redirect_uri": f"{CALLBACK}#here"}, "Redirect URI does not match registered redirect URI"),
        ({"redirect_uri": f"{CALLBACK}\r\nX: 1"}, "Redirect URI does not match registered redirect URI"),
        ({"redirect_uri": "https://prints.example/callback"}, "Redirect URI does not match registered redirect URI"),
        ({"scope": "likes admin"}, "Invalid scope field(s): admin"),
    ],
)
def test_a_bad_request_is_a_flat_400(browser, signed_in, verb, changes, message):
    visitor = browser if signed_in else a_browser()

    answer = getattr(visitor, verb)(authorize_path(an_application(), **changes))

    assert flat_refusal(answer) == ("OAuthException", message)
    assert answer["Content-Type"] == "application/json; charset=utf-8"


def test_an_empty_scope_is_basic(browser):
    assert browser.get(authorize_path(an_application(), scope="")).status_code == 200


def test_a_client_switched_off_asks_nobody(browser):
    assert flat_refusal(browser.get(authorize_path(an_application(is_active=False))))[0] == "OAuthClientException"


def test_another_verb_is_405(browser):
    assert flat_refusal(browser.put("/oauth/authorize"), status=405)[0] == "APINotAllowedError"
