"""Every row of the contract's table of errors (section 3), with its exact words, in one place."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from accounts.models import OAuthClient
from api import rate_limit
from photos.models import Tag
from tests.support.applications import a_token, an_application
from tests.support.people import Person, a_person, our_client

NOT_SIGNED = "Invalid signed-request: Missing required parameter 'sig'"
NO_HEADER = "Invalid header: X-Insta-Forwarded-For is required for this operation"
SCOPE = (
    "This request requires scope={0}, but this access token is not authorized with this scope. The user must"
    " re-authorize your application with scope={0} to be granted write permissions."
)


@dataclass
class Row:
    """A request and what it is refused with. {names} in path and params stand for things of the world."""

    verb: str
    path: str
    error_type: str
    message: str
    params: dict[str, str] = field(default_factory=dict)
    status: int = 400
    #: True: without the envelope.
    flat: bool = False


T, READ = {"access_token": "{token}"}, {"client_id": "{client}"}
PAIR = {"client_id": "{client}", "client_secret": "{secret}"}
HOOK = PAIR | {"object": "user", "aspect": "media"}
SAY = T | {"text": "nice"}

ROWS = {
    "no credential": Row("get", "/v1/users/1", "OAuthParameterException", "Missing client_id or access_token URL parameter."),
    "self by an application": Row("get", "/v1/users/self", "OAuthParameterException", "Missing access_token URL parameter.", READ),
    "feed by an application": Row("get", "/v1/users/self/feed", "OAuthParameterException", "Missing access_token URL parameter.", READ),
    "like by an application": Row("post", "/v1/media/{media}/likes", "OAuthParameterException", "Missing access_token URL parameter.", READ),
    "nobody's deletion": Row("get", "/v1/accounts/self/deletion", "OAuthParameterException", "Missing client_id or access_token URL parameter."),
    "deletion by an application": Row("get", "/v1/accounts/self/deletion", "OAuthParameterException", "Missing access_token URL parameter.", READ),
    # The credential comes before the photo.
    "shares by our application": Row("get", "/v1/media/999/shares", "OAuthParameterException", "Missing access_token URL parameter.", {"client_id": "{ours}"}),
    "unknown token": Row("get", "/v1/users/self", "OAuthAccessTokenException", "The access_token provided is invalid.", {"access_token": "1.abc.def"}),
    "unknown client": Row("get", "/v1/users/1", "OAuthParameterException", "The client_id provided is invalid and does not match a valid application.", {"client_id": "0" * 32}),
    "disabled client": Row("get", "/v1/users/1", "OAuthClientException", "The client used for authentication is no longer active.", {"client_id": "{off}"}),
    "likes scope": Row("post", "/v1/media/{media}/likes", "OAuthPermissionsException", SCOPE.format("likes"), {"access_token": "{basic}"}),
    "comments scope": Row("post", "/v1/media/{media}/comments", "OAuthPermissionsException", SCOPE.format("comments"), {"access_token": "{basic}", "text": "x"}),
    "relationships scope": Row("post", "/v1/users/{owner}/relationship", "OAuthPermissionsException", SCOPE.format("relationships"), {"access_token": "{basic}", "action": "follow"}),
    "not approved": Row("get", "/v1/accounts/self", "OAuthPermissionsException", "This client has not been approved to access this resource.", T),
    "private account": Row("get", "/v1/users/{hidden}", "APINotAllowedError", "you cannot view this resource", T),
    "unknown user": Row("get", "/v1/users/999999999", "APINotFoundError", "this user does not exist", T),
    "unknown media": Row("get", "/v1/media/999", "APINotFoundError", "invalid media id", T),
    "malformed media": Row("get", "/v1/media/x_y", "APINotFoundError", "invalid media id", T),
    "media of another": Row("get", "/v1/media/{wrong_media}", "APINotFoundError", "invalid media id", T),
    "hidden tag": Row("get", "/v1/tags/{tag}", "APINotAllowedError", "This tag cannot be viewed", T),
    "unknown location": Row("get", "/v1/locations/999999999", "APINotFoundError", "invalid location id", T),
    "unknown geography": Row("get", "/v1/geographies/999999999/media/recent", "APINotFoundError", "invalid geography id", READ),
    "unknown comment": Row("delete", "/v1/media/{media}/comments/999", "APINotFoundError", "invalid comment id", T),
    "no q": Row("get", "/v1/users/search", "APIInvalidParametersError", "q", T),
    "lat alone": Row("get", "/v1/media/search", "APIInvalidParametersError", "lng", T | {"lat": "1"}),
    "unknown action": Row("post", "/v1/users/{owner}/relationship", "APIInvalidParametersError", "action", T | {"action": "poke"}),
    "empty text": Row("post", "/v1/media/{media}/comments", "APIInvalidParametersError", "text", T | {"text": " "}),
    "long comment": Row("post", "/v1/media/{media}/comments", "APICommentTooLongError", "Your comment is too long.", T | {"text": "x" * 301}),
    "many tags": Row("post", "/v1/media/{media}/comments", "APICommentTooManyTagsError", "", T | {"text": "#a #b #c #d #e"}),
    "many urls": Row("post", "/v1/media/{media}/comments", "APICommentTooManyUrlsError", "", T | {"text": "http://a.b www.c.d"}),
    "all capitals": Row("post", "/v1/media/{media}/comments", "APICommentAllCapsError", "", T | {"text": "NICE"}),
    "another's comment": Row("delete", "/v1/media/{media}/comments/{comment}", "APINotAllowedError", "you cannot delete this comment", T),
    "no secret": Row("get", "/v1/subscriptions", "OAuthClientException", "Missing client_secret URL parameter.", READ),
    "wrong pair": Row("get", "/v1/subscriptions", "APISubscriptionError", 'Invalid "client_id" and/or "client_secret".', PAIR | {"client_secret": "0" * 32}),
    "deaf callback": Row("post", "/v1/subscriptions", "APISubscriptionError", 'Unable to reach callback URL "http://127.0.0.1:9/".', HOOK | {"callback_url": "http://127.0.0.1:9/"}),
    "no signature": Row("get", "/v1/users/{owner}", "OAuthForbiddenException", NOT_SIGNED, {"client_id": "{signing}"}, 403, flat=True),
    "no signed header": Row("post", "/v1/media/{media}/likes", "OAuthForbiddenException", NO_HEADER, {"access_token": "{forwarding}"}, 403, flat=True),
    "unknown path": Row("get", "/v1/nothing/here", "APINotFoundError", "", T, 404),
    "wrong verb": Row("post", "/v1/users/{owner}", "APINotAllowedError", "", T, 405),
    "implicit is off": Row("get", "/oauth/authorize?client_id={explicit}&redirect_uri=http://127.0.0.1:9/&response_type=token", "OAuthForbiddenException", "Implicit authentication is disabled", {}, 403, flat=True),
    "bad authorize": Row("get", "/oauth/authorize", "OAuthException", "You must include a valid client_id, response_type, and redirect_uri parameters", {}, 400, flat=True),
    "unknown code": Row("post", "/oauth/access_token", "OAuthException", "No matching code found.", PAIR | {"grant_type": "authorization_code", "code": "x", "redirect_uri": "http://127.0.0.1:9/"}, 400, flat=True),
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> dict[str, Any]:
    owner, hidden, me = a_person(), a_person(), a_person()
    media = owner.upload()["id"]
    comment = owner.post(f"/v1/media/{media}/comments", text="mine")["data"]["id"]
    hidden.post("/v1/accounts/self", is_private="1")
    application = an_application()
    tag = f"odd{owner.id}"
    Tag.objects.create(name=tag, hidden=True)
    return {
        "owner": owner.id,
        "hidden": hidden.id,
        "media": media,
        "wrong_media": f"{media.split('_')[0]}_{me.id}",
        "comment": comment,
        "tag": tag,
        "client": application.client_id,
        "ours": our_client().client_id,
        "secret": application.client_secret,
        "token": a_token(me, application, "likes", "comments", "relationships"),
        "basic": a_token(me, an_application()),
        "off": _client(is_active=False).client_id,
        "signing": _client(enforce_signed_requests=True).client_id,
        "explicit": _client(disable_implicit=True).client_id,
        "forwarding": a_token(me, _client(enforce_signed_header=True), "likes"),
    }


def _client(**switches: Any) -> OAuthClient:
    return an_application(redirect_uris="http://127.0.0.1:9/", **switches)


@pytest.mark.parametrize("name", ROWS)
def test_a_refusal_says_what_the_contract_says(world: dict[str, Any], name: str) -> None:
    row = ROWS[name]
    params = {key: value.format(**world) for key, value in row.params.items()}
    path = row.path.format(**world)
    if row.verb == "delete":
        path += "?" + "&".join(f"{key}={value}" for key, value in params.items())
        params = {}

    answer = getattr(Client(), row.verb)(path, params or None)

    assert answer.status_code == row.status, answer.content
    told = answer.json()
    if not row.flat:
        assert set(told) == {"meta"}
        told = told["meta"]
        assert {"X-Ratelimit-Limit", "X-Ratelimit-Remaining"} <= set(answer.headers)
    assert set(told) - {"errors"} == {"code", "error_type", "error_message"}
    assert (told["code"], told["error_type"]) == (row.status, row.error_type)
    if row.error_type == "APIInvalidParametersError":
        assert row.message in told["error_message"].partition(":")[0]
    elif row.message:
        assert told["error_message"] == row.message
    assert told["error_message"]


@pytest.mark.parametrize(
    ("switches", "limit"), [({}, 1), ({"enforce_signed_header": True}, 2), ({"first_party": True}, None)]
)
def test_writes_of_a_scope_may_have_a_limit_of_their_own(
    settings, switches: dict[str, bool], limit: int | None
) -> None:
    settings.WRITE_LIMITS_PER_HOUR, settings.SIGNED_WRITE_LIMITS_PER_HOUR = {"likes": 1}, {"likes": 2}
    person = a_person()
    media, application = person.upload()["id"], an_application(**switches)
    token = a_token(person, application, "likes", "comments")
    code = hmac.new(application.client_secret.encode(), b"192.0.2.7", hashlib.sha256).hexdigest()

    def write(what: str) -> Any:
        header = {"HTTP_X_INSTA_FORWARDED_FOR": f"192.0.2.7|{code}"}
        return Client().post(f"/v1/media/{media}/{what}", {"access_token": token, "text": "nice"}, **header)

    statuses = [write("likes").status_code for _ in range(3)]

    assert statuses == [200 if limit is None or number < limit else 429 for number in range(3)]
    assert write("comments").status_code == 200


def test_the_hour_that_is_used_up_is_told_in_numbers(settings) -> None:
    settings.RATE_LIMIT_PER_HOUR = 1
    person: Person = a_person()
    person.get("/v1/users/self")

    answer = Client().get("/v1/users/self", {"access_token": person.token})

    assert answer.status_code == 429
    assert answer.json()["meta"] == {
        "code": 429,
        "error_type": "OAuthRateLimitException",
        "error_message": "The maximum number of requests per hour has been exceeded. You have made 2 requests of the 1"
        " allowed in the last hour.",
    }
    assert rate_limit.WINDOW_S == 3600
