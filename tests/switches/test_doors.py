"""Switches as clients meet them: what is refused, what goes on, and that it is over when it is over."""

from datetime import timedelta
from itertools import count

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import OAuthClient, User
from sharding import shard_of
from tests.support.applications import a_browser
from tests.support.people import Person, a_person, a_photo, our_client, refusal
from tests.support.switched import switched
from tests.support.waiting import wait_until

_numbers = count()


def a_person_on(server: str) -> Person:
    """Sign people up until one lives on that server."""
    return next(person for _ in range(64) if shard_of((person := a_person()).id).server.name == server)


def try_to_upload(person: Person):
    photo = SimpleUploadedFile("photo.jpg", a_photo())
    return Client().post("/v1/media", {"photo": photo, "access_token": person.token})


def try_to_like(person: Person, media: dict):
    return Client().post(f"/v1/media/{media['id']}/likes", {"access_token": person.token})


def sign_up_form() -> dict[str, str]:
    client: OAuthClient = our_client()
    name = f"s{timezone.now():%H%M%S%f}.{next(_numbers)}"
    return {
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "username": name,
        "password": "secret word",
        "email": f"{name}@example.com",
    }


def test_a_read_only_service_refuses_writes_with_its_reason_and_goes_on_showing_what_is_there():
    anna = a_person()
    media = anna.upload()
    with switched("read_only", reason="new disks"):
        for answer in (
            try_to_upload(anna),
            try_to_like(anna, media),
            Client().delete(f"/v1/media/{media['id']}?access_token={anna.token}"),
            Client().post("/v1/accounts", sign_up_form()),
        ):
            kind, message = refusal(answer, status=503)
            assert (kind, message) == ("APIError", "the service is read-only for the moment: new disks")
            assert answer["Retry-After"] == "60"
        assert [each["id"] for each in anna.get("/v1/users/self/feed")["data"]] == [media["id"]]
        assert Client().get(f"/p/{media['link'].rstrip('/').split('/')[-1]}").status_code == 200
    assert try_to_like(anna, media).status_code == 200


def test_a_picture_can_be_tried_in_filters_while_the_service_is_read_only():
    anna = a_person()
    with switched("read_only"):
        photo = SimpleUploadedFile("photo.jpg", a_photo())
        tried = {"photo": photo, "access_token": anna.token, "filter": "lomo-fi", "size": "100"}
        answer = Client().post("/v1/filters/preview", tried)
    assert answer.status_code != 503


def test_signing_in_is_refused_flat_and_a_form_of_the_pages_is_told_why():
    client, anna = our_client(), a_person()
    xauth = {
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "grant_type": "password",
        "username": anna.username,
        "password": "secret word",
    }
    browser = a_browser(anna)
    with switched("read_only", reason="new disks"):
        answer = Client().post("/oauth/access_token", xauth)
        assert answer.status_code == 503
        assert answer.json()["error_message"] == "the service is read-only for the moment: new disks"
        page = browser.post("/accounts/logout/")
        assert page.status_code == 503
        assert page["Retry-After"] == "60"
        assert "The service is read-only for the moment: new disks." in page.content.decode()
        assert browser.get("/accounts/manage_access/").status_code == 200
    assert Client().post("/oauth/access_token", xauth).status_code == 200


def test_a_read_only_shard_harms_those_on_it_and_what_others_would_write_there():
    anna, ben = a_person_on("shard_a"), a_person_on("shard_b")
    of_anna, of_ben = anna.upload(), ben.upload()
    message = "this part of the service is read-only for the moment: moving"
    with switched("read_only", "shard_a", reason="moving"):
        for answer in (try_to_upload(anna), try_to_like(anna, of_ben), try_to_like(ben, of_anna)):
            assert refusal(answer, status=503)[1] == message
            assert answer["Retry-After"] == "60"
        assert try_to_upload(ben).status_code == 200
        assert try_to_like(ben, of_ben).status_code == 200
        assert anna.get("/v1/users/self/feed")["data"]
        assert ben.get(f"/v1/media/{of_anna['id']}")["data"]["likes"]["count"] == 0
    assert try_to_like(ben, of_anna).status_code == 200


def test_a_read_only_logical_shard_leaves_its_neighbours_on_the_same_server_alone():
    anna, ben = a_person_on("shard_a"), a_person_on("shard_a")
    while shard_of(ben.id).number == shard_of(anna.id).number:
        ben = a_person_on("shard_a")
    with switched("read_only", str(shard_of(anna.id).number)):
        assert try_to_upload(anna).status_code == 503
        assert try_to_upload(ben).status_code == 200


def test_nobody_can_sign_up_while_that_is_closed_and_names_can_still_be_looked_up():
    form = sign_up_form()
    with switched("sign_up_closed", reason="too many at once"):
        answer = Client().post("/v1/accounts", form)
        assert refusal(answer, status=503)[1] == "signing up is closed for the moment: too many at once"
        assert not User.objects.filter(username=form["username"]).exists()
    assert Client().post("/v1/accounts", form).status_code == 200


def test_pages_are_short_and_lead_on_to_the_rest(settings):
    settings.SHORT_PAGE = 2
    anna = a_person()
    ids = [anna.upload()["id"] for _ in range(3)][::-1]
    with switched("short_feeds"):
        for asked in ({}, {"count": 100}):
            page = anna.get("/v1/users/self/feed", **asked)
            assert [each["id"] for each in page["data"]] == ids[:2]
        rest = anna.get("/v1/users/self/feed", max_id=page["pagination"]["next_max_id"])
        assert [each["id"] for each in rest["data"]] == ids[2:]
    assert len(anna.get("/v1/users/self/feed")["data"]) == 3


def test_a_switch_with_an_end_is_off_by_itself_and_says_how_long():
    anna = a_person()
    with switched("read_only", until=timezone.now() + timedelta(seconds=4)):
        answer = try_to_upload(anna)
        assert answer.status_code == 503
        assert 1 <= int(answer["Retry-After"]) <= 3
        wait_until(lambda: try_to_upload(anna).status_code == 200, seconds=10, what="the end of the switch")
