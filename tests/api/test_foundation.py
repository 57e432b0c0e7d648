"""What holds for every endpoint: spellings, parameters, envelope, errors, headers."""

import pytest
from django.test import Client

from tests.support.people import a_person, body, our_client, refusal


@pytest.fixture(scope="module")
def anna():
    return a_person()


@pytest.mark.parametrize("spelling", ["", "/", ".json", ".json/"])
def test_every_path_has_four_spellings_and_none_redirects(anna, spelling):
    assert anna.get(f"/v1/users/self{spelling}")["data"]["id"] == str(anna.id)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_post_is_read_as_urlencoded_whatever_it_says_it_is(anna, content_type):
    ben = a_person()
    payload = f"access_token={anna.token}&action=follow"
    response = Client().generic("POST", f"/v1/users/{ben.id}/relationship.json", payload, content_type=content_type)

    assert body(response)["data"] == {
        "outgoing_status": "follows",
        "incoming_status": "none",
        "target_user_is_private": False,
    }


def test_the_credential_of_a_post_may_be_in_its_query_and_the_body_wins(anna):
    response = Client().post(f"/v1/accounts/self?access_token={anna.token}&bio=query", {"bio": "body"})

    assert body(response)["data"]["bio"] == "body"


def test_a_verb_can_be_overridden(anna):
    media = anna.upload()
    response = Client().post(f"/v1/media/{media['id']}/likes", {"access_token": anna.token, "_method": "DELETE"})

    assert body(response)["data"] is None


@pytest.mark.parametrize(
    ("path", "params", "status", "error_type", "message"),
    [
        ("/v1/nothing", {}, 404, "APINotFoundError", "no such endpoint"),
        (
            "/v1/users/self/feed",
            {},
            400,
            "OAuthParameterException",
            "Missing client_id or access_token URL parameter.",
        ),
        ("/v1/users/self", {"client_id": "ours"}, 400, "OAuthParameterException",
         "Missing access_token URL parameter."),
        ("/v1/users/1", {"access_token": "1.abc.def"}, 400, "OAuthAccessTokenException",
         "The access_token provided is invalid."),
        ("/v1/users/1", {"client_id": "0" * 32}, 400, "OAuthParameterException",
         "The client_id provided is invalid and does not match a valid application."),
        ("/v1/users/999999999999", {"client_id": "ours"}, 400, "APINotFoundError", "this user does not exist"),
        ("/v1/media/12_x", {"client_id": "ours"}, 400, "APINotFoundError", "invalid media id"),
        ("/v1/media/99999999999999999999", {"client_id": "ours"}, 400, "APINotFoundError", "invalid media id"),
        ("/v1/media/5", {"client_id": "ours"}, 400, "APINotFoundError", "invalid media id"),
    ],
)  # fmt: skip
def test_errors_are_enveloped_as_the_contract_says(path, params, status, error_type, message):
    if params.get("client_id") == "ours":
        params = {"client_id": our_client().client_id}

    assert refusal(Client().get(path, params), status=status) == (error_type, message)


def test_a_wrong_verb_is_405(anna):
    response = Client().put(f"/v1/users/{anna.id}?access_token={anna.token}")

    assert refusal(response, status=405)[0] == "APINotAllowedError"


def test_rate_limit_headers_are_on_every_answer_and_count_down(anna):
    first, second = (Client().get("/v1/users/self", {"access_token": anna.token}) for _ in range(2))

    assert int(first["X-Ratelimit-Limit"]) == 5000
    assert int(second["X-Ratelimit-Remaining"]) == int(first["X-Ratelimit-Remaining"]) - 1
    assert "X-Ratelimit-Limit" in Client().get("/v1/nothing")


def test_a_host_that_is_none_of_ours_is_refused_with_the_headers_of_every_answer():
    answer = Client().get("/v1/users/self", HTTP_HOST="elsewhere.example")

    assert refusal(answer) == ("APIInvalidParametersError", "the request cannot be read")
    assert {"X-Ratelimit-Limit", "X-Ratelimit-Remaining"} <= set(answer.headers)


def test_over_the_limit_is_429(settings):
    ben = a_person()
    settings.RATE_LIMIT_PER_HOUR = 1
    ben.get("/v1/users/self")

    response = Client().get("/v1/users/self", {"access_token": ben.token})

    assert refusal(response, status=429)[0] == "OAuthRateLimitException"


def test_jsonp_answers_the_callback_with_200():
    response = Client().get("/v1/users/self", {"callback": "show"})

    assert response.status_code == 200
    assert response.content.startswith(b'show({"meta":{"code":400')


def test_sign_up_sign_in_sign_out():
    client, name = our_client(), a_person().username + "x"
    secret = {"client_id": client.client_id, "client_secret": client.client_secret}
    made = body(
        Client().post("/v1/accounts", secret | {"username": name, "password": "secret", "email": f"{name}@b.example"})
    )["data"]
    signed_in = (
        Client()
        .post(
            "/oauth/access_token", secret | {"grant_type": "password", "username": name.upper(), "password": "secret"}
        )
        .json()
    )

    assert signed_in["access_token"] == made["access_token"]
    assert made["access_token"].split(".")[:2] == [made["user"]["id"], client.client_id[:7]]
    assert set(signed_in["user"]) == {"id", "username", "full_name", "profile_picture", "bio", "website"}
    body(Client().post("/v1/accounts/logout", {"access_token": made["access_token"]}))
    response = Client().get("/v1/users/self", {"access_token": made["access_token"]})
    assert refusal(response)[0] == "OAuthAccessTokenException"


def test_oauth_errors_are_flat():
    client = our_client()
    answer = Client().post(
        "/oauth/access_token",
        {"client_id": client.client_id, "client_secret": client.client_secret, "grant_type": "password"},
    )

    assert answer.status_code == 400
    assert answer.json() == {
        "code": 400,
        "error_type": "OAuthException",
        "error_message": "The username or password is wrong.",
    }


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("username", "Anna Lind", "1 to 30 letters a-z, digits, dots and underscores"),
        ("username", "self", "this name is reserved"),
        ("password", "12345", "6 to 1000 characters"),
        ("email", "nowhere", "not an e-mail address"),
    ],
)
def test_a_bad_sign_up_names_the_field(field, value, fault):
    client = our_client()
    facts = {"username": a_person().username + "y", "password": "secret", "email": "someone@c.example"} | {field: value}
    response = Client().post(
        "/v1/accounts", {"client_id": client.client_id, "client_secret": client.client_secret, **facts}
    )

    meta = body(response, status=400)["meta"]
    assert meta["error_message"] == f"{field}: {fault}"
    assert meta["errors"] == {field: [fault]}


@pytest.mark.parametrize(("path", "flat"), [("/v1/users/self", False), ("/oauth/authorize", True)])
def test_a_host_that_is_not_ours_is_refused_in_the_envelope(path, flat):
    answer = Client(raise_request_exception=False).get(path, HTTP_HOST="evil.example")

    told = answer.json() if flat else answer.json()["meta"]
    assert (answer.status_code, told["error_type"]) == (400, "APIInvalidParametersError")
