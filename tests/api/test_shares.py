"""The endpoints of cross-posting: parameters, errors, who may."""

import pytest
from django.test import Client

from accounts.models import OAuthClient, User
from accounts.tokens import SCOPES, issue
from tests.support.people import a_person, refusal

ALL = ["twitter", "facebook", "tumblr", "flickr", "foursquare", "posterous"]
LINK = {"oauth_token": "1-token", "oauth_secret": "secret", "account": "marlow"}


def test_services_are_listed_linked_and_unlinked():
    anna = a_person()
    assert anna.get("/v1/users/self/services")["data"] == [
        {"service": each, "linked": False, "account": None} for each in ALL
    ]

    told = anna.post("/v1/users/self/services/twitter.json", **LINK)["data"]

    assert told == {"service": "twitter", "linked": True, "account": "marlow"}
    assert told in anna.get("/v1/users/self/services")["data"]
    for _ in range(2):
        assert anna.delete("/v1/users/self/services/twitter")["data"] is None
    assert not any(each["linked"] for each in anna.get("/v1/users/self/services")["data"])


@pytest.mark.parametrize("missing", ["oauth_token", "account"])
def test_what_is_missing_is_named(missing):
    sent = {name: value for name, value in LINK.items() if name != missing} | {"access_token": a_person().token}

    kind, message = refusal(Client().post("/v1/users/self/services/twitter", sent))

    assert (kind, message) == ("APIInvalidParametersError", f"{missing}: this parameter is required")


@pytest.mark.parametrize(
    "changed",
    [{"account": "a" * 101}, {"oauth_token": "t" * 2_001}, {"account": "a\nb"}, {"oauth_secret": "s" * 2_001}],
)
def test_what_is_too_long_or_no_text_is_refused(changed):
    sent = LINK | changed | {"access_token": a_person().token}

    assert refusal(Client().post("/v1/users/self/services/twitter", sent))[0] == "APIInvalidParametersError"


def test_posterous_cannot_be_linked_and_an_unknown_service_is_none():
    anna = a_person()
    sent = LINK | {"access_token": anna.token}

    assert refusal(Client().post("/v1/users/self/services/posterous", sent))[0] == "APIInvalidParametersError"
    assert refusal(Client().post("/v1/users/self/services/myspace", sent)) == (
        "APINotFoundError",
        "invalid service id",
    )


def test_only_our_own_app_may_link_and_share():
    anna = a_person()
    stranger = OAuthClient.objects.create(name="A viewer")
    sent = LINK | {"access_token": issue(User.objects.get(pk=anna.id), stranger, SCOPES), "share_to": "twitter"}
    media = anna.upload()

    for path in ("/v1/users/self/services/twitter", f"/v1/media/{media['id']}/share"):
        assert refusal(Client().post(path, sent))[0] == "OAuthPermissionsException"


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "share_to: this parameter is required"),
        ({"share_to": ","}, "share_to: this parameter is required"),
        ({"share_to": "myspace"}, "share_to: no service is called myspace"),
        ({"share_to": "twitter", "text": "x" * 2_201}, "text: at most 2200 characters"),
    ],
)
def test_bad_parameters_of_a_share_are_named(sent, words):
    anna = a_person()
    media = anna.upload()

    answer = Client().post(f"/v1/media/{media['id']}/share", sent | {"access_token": anna.token})

    assert refusal(answer) == ("APIInvalidParametersError", words)


def test_what_is_not_linked_says_so_once_per_service():
    anna = a_person()
    media = anna.upload()

    told = anna.post(f"/v1/media/{media['id']}/share", share_to="Flickr, twitter,flickr")["data"]

    assert told == [{"service": each, "status": "not_linked"} for each in ("twitter", "flickr")]
    assert anna.get(f"/v1/media/{media['id']}/shares")["data"] == told


def test_an_unknown_photo_is_not_shared():
    answer = Client().post("/v1/media/12345/share", {"access_token": a_person().token, "share_to": "twitter"})

    assert refusal(answer) == ("APINotFoundError", "invalid media id")
