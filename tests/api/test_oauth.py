"""POST /oauth/access_token, and what the API answers to good and bad credentials (the contract's sections 3 and 4)."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts import clients, tokens
from accounts.services import deactivate
from tests.support.applications import (
    CALLBACK,
    a_browser,
    a_token,
    an_application,
    authorize_path,
    decide,
    exchange,
    flat_refusal,
    query_of,
)
from tests.support.people import a_person, body, our_client, refusal


@pytest.fixture(scope="module")
def anna():
    return a_person(full_name="Anna Lind")


def a_code(person, client, **changes):
    return query_of(decide(a_browser(person), authorize_path(client, **changes)))["code"]


# --- the exchange of a code ---


def test_a_code_is_exchanged_for_a_token_and_its_person_flat_and_nothing_else(anna):
    client = an_application()

    answer = exchange(client, a_code(anna, client))

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    facts = answer.json()
    assert set(facts) == {"access_token", "user"}
    assert set(facts["user"]) == {"id", "username", "full_name", "profile_picture", "bio", "website"}
    assert facts["user"]["id"] == str(anna.id)
    assert facts["user"]["full_name"] == "Anna Lind"
    assert facts["access_token"].split(".")[:2] == [str(anna.id), client.client_id[:7]]
    me = body(Client().get("/v1/users/self", {"access_token": facts["access_token"]}))
    assert me["data"]["id"] == str(anna.id)


@pytest.mark.parametrize("spelling", ["", "/", ".json", ".json/"])
@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_the_exchange_takes_every_spelling_and_a_body_without_a_content_type(anna, spelling, content_type):
    client = an_application()
    sent = {
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "grant_type": "authorization_code",
        "redirect_uri": CALLBACK,
        "code": a_code(anna, client),
    }
    path = f"/oauth/access_token{spelling}"

    if content_type == "multipart/form-data":
        answer = Client().post(path, sent)
    else:
        answer = Client().generic("POST", path, urlencode(sent), content_type=content_type)

    assert answer.status_code == 200
    assert answer.json()["user"]["username"] == anna.username


def test_a_code_used_twice_is_refused(anna):
    client = an_application()
    code = a_code(anna, client)
    exchange(client, code)

    assert flat_refusal(exchange(client, code)) == ("OAuthException", "No matching code found.")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"client_id": ""}, "You must provide a client_id"),
        ({"client_id": "0" * 32}, "Invalid Client ID"),
        ({"client_secret": "0" * 32}, "Invalid client_secret"),
        ({"client_secret": ""}, "Invalid client_secret"),
        ({"client_secret": "ünï"}, "Invalid client_secret"),
        ({"grant_type": ""}, "You must provide a grant_type of authorization_code or password"),
        ({"grant_type": "client_credentials"}, "You must provide a grant_type of authorization_code or password"),
        ({"code": "0" * 32}, "No matching code found."),
        ({"code": ""}, "No matching code found."),
        ({"redirect_uri": "http://other.example/"}, "Redirect URI doesn't match original redirect URI"),
        ({"redirect_uri": f"{CALLBACK}?x=1"}, "Redirect URI doesn't match original redirect URI"),
        ({"redirect_uri": ""}, "Redirect URI doesn't match original redirect URI"),
    ],
)
def test_a_bad_exchange_is_refused_flat(anna, changes, message):
    client = an_application()

    answer = exchange(client, **{"code": a_code(anna, client)} | changes)

    assert flat_refusal(answer) == ("OAuthException", message)


def test_a_mistaken_redirect_uri_does_not_spend_the_code(anna):
    client = an_application()
    code = a_code(anna, client)
    exchange(client, code, redirect_uri="http://other.example/")

    assert exchange(client, code).status_code == 200


def test_the_redirect_uri_is_the_one_of_authorize_with_its_query(anna):
    client = an_application()
    there = f"{CALLBACK}?session=4"
    code = a_code(anna, client, redirect_uri=there)

    assert exchange(client, code, redirect_uri=there).status_code == 200


def test_a_code_of_another_client_is_refused(anna):
    code = a_code(anna, an_application())

    assert flat_refusal(exchange(an_application(), code))[1] == "No matching code found."


def test_asking_again_for_more_gives_the_same_token_with_the_union_of_scopes(anna):
    client = an_application()
    first = exchange(client, a_code(anna, client, scope="likes")).json()["access_token"]
    again = exchange(client, a_code(anna, client, scope="comments")).json()["access_token"]

    assert again == first
    assert tokens.authenticate(first).scopes == ("comments", "likes")


def test_a_client_switched_off_is_refused_flat(anna):
    client = an_application(is_active=False)

    assert flat_refusal(exchange(client, "x")) == (
        "OAuthClientException",
        "The client used for authentication is no longer active.",
    )


@pytest.mark.parametrize(("verb", "path"), [("get", "/oauth/access_token"), ("put", "/oauth/access_token")])
def test_another_verb_is_a_flat_405(verb, path):
    assert flat_refusal(getattr(Client(), verb)(path), status=405)[0] == "APINotAllowedError"


def test_an_unknown_path_below_oauth_is_a_flat_404():
    assert flat_refusal(Client().get("/oauth/nothing.json"), status=404)[0] == "APINotFoundError"


# --- xAuth ---


def xauth(client, person, **changes):
    return Client().post(
        "/oauth/access_token",
        {
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "grant_type": "password",
            "username": person.username,
            "password": "secret word",
        }
        | changes,
    )


def test_an_approved_client_exchanges_a_name_and_password_for_a_token_with_scopes(anna):
    client = an_application(xauth=True)

    answer = xauth(client, anna, scope="likes comments")

    assert set(answer.json()) == {"access_token", "user"}
    assert tokens.authenticate(answer.json()["access_token"]).scopes == ("comments", "likes")


def test_other_clients_are_not_approved_for_it(anna):
    assert flat_refusal(xauth(an_application(), anna)) == (
        "OAuthException",
        "This client has not been approved for grant_type=password",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": "wrong"}, "The username or password is wrong."),
        ({"username": "nobody.of.this.name"}, "The username or password is wrong."),
        ({"password": ""}, "The username or password is wrong."),
        ({"scope": "likes everything"}, "Invalid scope field(s): everything"),
    ],
)
def test_a_bad_password_exchange_is_refused_flat(anna, changes, message):
    assert flat_refusal(xauth(our_client(), anna, **changes)) == ("OAuthException", message)


def test_signing_in_brings_somebody_back_who_was_away():
    ben = a_person()
    deactivate(ben.id)

    token = xauth(our_client(), ben).json()["access_token"]

    assert body(Client().get("/v1/users/self", {"access_token": token}))["data"]["id"] == str(ben.id)


def test_who_guesses_passwords_has_to_wait(settings):
    settings.LOGIN_FAILURES_PER_NAME_AND_ADDRESS = 2
    ben, client = a_person(), our_client()
    for _ in range(2):
        flat_refusal(xauth(client, ben, password="wrong"))

    assert flat_refusal(xauth(client, ben), status=429)[0] == "OAuthRateLimitException"


# --- credentials at /v1: the OAuth rows of section 3's table ---


def test_neither_credential_is_told():
    assert refusal(Client().get("/v1/users/1")) == (
        "OAuthParameterException",
        "Missing client_id or access_token URL parameter.",
    )


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("get", "/v1/users/self"),
        ("get", "/v1/users/self/feed"),
        ("get", "/v1/users/1/relationship"),
        ("post", "/v1/users/1/relationship"),
        ("post", "/v1/media/1/likes"),
        ("delete", "/v1/media/1/likes"),
        ("post", "/v1/media/1/comments"),
    ],
)
def test_where_a_person_is_needed_a_client_id_is_not_enough(verb, path):
    answer = getattr(Client(), verb)(f"{path}?client_id={an_application().client_id}")

    assert refusal(answer) == ("OAuthParameterException", "Missing access_token URL parameter.")


@pytest.mark.parametrize("token", ["x", "1.a.b", "1.1a2b3c4." + "0" * 32, "." * 2, "x" * 5000, "1.ä.ö"])
def test_an_unknown_token_is_told(token):
    assert refusal(Client().get("/v1/users/1", {"access_token": token})) == (
        "OAuthAccessTokenException",
        "The access_token provided is invalid.",
    )


def test_a_revoked_token_is_an_invalid_one(anna):
    token = a_token(anna, an_application())
    body(Client().get("/v1/users/self", {"access_token": token}))
    tokens.revoke(tokens.authenticate(token).token_id)

    assert refusal(Client().get("/v1/users/self", {"access_token": token}))[0] == "OAuthAccessTokenException"


def test_an_unknown_client_id_is_told():
    assert refusal(Client().get("/v1/users/1", {"client_id": "0" * 32})) == (
        "OAuthParameterException",
        "The client_id provided is invalid and does not match a valid application.",
    )


@pytest.mark.parametrize("credential", ["client_id", "access_token"])
def test_a_client_switched_off_is_told(anna, credential):
    client = an_application(is_active=False)
    value = client.client_id if credential == "client_id" else a_token(anna, client)

    assert refusal(Client().get(f"/v1/users/{anna.id}", {credential: value})) == (
        "OAuthClientException",
        "The client used for authentication is no longer active.",
    )


@pytest.mark.parametrize(
    ("verb", "path", "scope"),
    [
        ("post", "/v1/users/{other}/relationship", "relationships"),
        ("post", "/v1/media/{media}/likes", "likes"),
        ("delete", "/v1/media/{media}/likes", "likes"),
        ("post", "/v1/media/{media}/comments", "comments"),
        ("delete", "/v1/media/{media}/comments/1", "comments"),
    ],
)
def test_a_token_without_the_scope_of_a_write_is_told_which(verb, path, scope):
    ben, carl, client = a_person(), a_person(), an_application()
    others = {"relationships", "likes", "comments"} - {scope}
    path = path.format(other=carl.id, media=carl.upload()["id"])

    answer = getattr(Client(), verb)(f"{path}?access_token={a_token(ben, client, *others)}")

    error_type, message = refusal(answer)
    assert error_type == "OAuthPermissionsException"
    assert message == (
        f"This request requires scope={scope}, but this access token is not authorized with this scope. "
        f"The user must re-authorize your application with scope={scope} to be granted write permissions."
    )


def test_a_token_with_the_scope_may_write_and_one_of_ours_needs_none(anna):
    carl = a_person()
    media = carl.upload()

    for token in (a_token(anna, an_application(), "likes"), anna.token):
        body(Client().post(f"/v1/media/{media['id']}/likes", {"access_token": token}))


def test_reads_need_no_scope(anna):
    token = a_token(anna, an_application())
    media = a_person().upload()

    for path in (
        f"/v1/media/{media['id']}",
        f"/v1/media/{media['id']}/comments",
        f"/v1/media/{media['id']}/likes",
        f"/v1/users/{media['user']['id']}/relationship",
        f"/v1/users/{anna.id}/follows",
    ):
        body(Client().get(path, {"access_token": token}))


def test_our_own_endpoints_are_not_for_other_clients(anna):
    answer = Client().get("/v1/accounts/self", {"access_token": a_token(anna, an_application())})

    assert refusal(answer) == (
        "OAuthPermissionsException",
        "This client has not been approved to access this resource.",
    )


def test_a_call_that_needs_the_secret_says_so():
    answer = Client().post("/v1/accounts", {"client_id": our_client().client_id})

    assert refusal(answer) == ("OAuthClientException", "Missing client_secret URL parameter.")


def test_of_a_token_and_a_client_id_the_token_wins(anna):
    facts = {"access_token": anna.token, "client_id": "0" * 32}

    assert body(Client().get("/v1/users/self", facts))["data"]["id"] == str(anna.id)


def test_switching_a_client_off_works_within_a_second(anna, monkeypatch):
    client = an_application()
    body(Client().get(f"/v1/users/{anna.id}", {"client_id": client.client_id}))
    client.is_active = False
    client.save()
    assert clients.KEEP_S <= 1
    monkeypatch.setattr(clients, "KEEP_S", -1)  # the second is over

    assert refusal(Client().get(f"/v1/users/{anna.id}", {"client_id": client.client_id}))[0] == "OAuthClientException"
