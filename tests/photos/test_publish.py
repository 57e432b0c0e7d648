"""Publishing, liking, commenting, deleting: through the API, on real shards and a real store."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client

from jobs.testing import run_until_idle
from photos import storage
from photos.queries import counts_of, owners_of
from sharding import counters, physical_servers
from tests.support.people import a_person, a_photo, refusal


def photo_id(media):
    return int(media["id"].split("_")[0])


def stored(media):
    store = storage.client()
    url = media["images"]["standard_resolution"]["url"]
    return store.list_objects_v2(Bucket="test", Prefix="pub/" + url.split("/pub/")[1][:35]).get("KeyCount")


def test_a_published_photo_is_there_with_every_key_of_a_media():
    anna = a_person(full_name="Anna")
    media = anna.upload(caption="#Fog over the #harbour", filter="earlybird", lat="37.8", lng="-122.39")

    assert set(media) == {
        "id", "type", "filter", "tags", "created_time", "link", "attribution", "user", "caption", "comments", "likes",
        "images", "users_in_photo", "user_has_liked", "location", "shares",
    }  # fmt: skip
    assert media["filter"] == "Earlybird"
    assert media["tags"] == ["fog", "harbour"]
    assert media["location"] == {"latitude": 37.8, "longitude": -122.39}
    assert set(media["images"]) == {"low_resolution", "thumbnail", "standard_resolution"}
    assert all(set(image) == {"url", "width", "height"} for image in media["images"].values())
    assert anna.get(f"/v1/media/{media['id']}")["data"]["caption"]["text"] == "#Fog over the #harbour"
    assert owners_of([photo_id(media)]) == {photo_id(media): anna.id}
    assert stored(media) == 4


def test_a_retry_with_the_same_key_gives_the_first_photo():
    anna = a_person()
    first, second = (anna.upload(upload_id="tap-1", caption=text) for text in ("one", "two"))

    assert second["id"] == first["id"]
    assert len(anna.get("/v1/users/self/media/recent")["data"]) == 1


def test_a_retry_is_answered_with_the_photo_by_a_key_in_the_address_and_when_no_further_photo_is_allowed(settings):
    settings.PACE_FIRST_DAY = {"photos": 1}
    anna = a_person()

    def tap(key):
        sent = {"photo": SimpleUploadedFile("photo.jpg", a_photo()), "access_token": anna.token}
        return Client().post(f"/v1/media?upload_id={key}", sent)

    first, again, another = tap("tap-a"), tap("tap-a"), tap("tap-b")

    assert first.json()["data"]["id"] == again.json()["data"]["id"]
    assert refusal(another, status=429)[0] == "OAuthRateLimitException"


def test_two_equal_uploads_at_once_give_one_photo():
    anna, image = a_person(), a_photo()

    def upload(_):
        try:
            return anna.upload(image, upload_id="tap-2")["id"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(upload, range(4)))

    assert len(ids) == 1
    assert len(anna.get("/v1/users/self/media/recent")["data"]) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"filter": "Sepia"}, "filter: no filter is called Sepia"),
        ({"lat": "10"}, "lng: lat and lng come together"),
        ({"lat": "91", "lng": "0"}, "lat: not a number from -90 to 90"),
        ({"caption": "x" * 2201}, "caption: at most 2200 characters"),
        ({"caption": " ".join(f"#t{n}" for n in range(31))}, "caption: at most 30 hashtags"),
        ({"upload_id": "x" * 65}, "upload_id: at most 64 characters"),
        ({"share_to": "myspace"}, "share_to: no service is called myspace"),
        ({}, "photo: this file is required"),
    ],
)
def test_a_bad_upload_is_refused_and_leaves_nothing(fields, message):
    anna = a_person()
    files = {"photo": SimpleUploadedFile("a.jpg", a_photo())} if fields else {}
    response = Client().post("/v1/media", {"access_token": anna.token, **fields, **files})

    assert refusal(response) == ("APIInvalidParametersError", message)
    assert anna.get("/v1/users/self/media/recent")["data"] == []


def test_likes_are_exact_when_many_like_at_once_and_again():
    anna, likers = a_person(), [a_person() for _ in range(8)]
    media = anna.upload()

    def like(person):
        try:
            for _ in range(2):
                person.post(f"/v1/media/{media['id']}/likes")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(like, likers))
    likers[0].delete(f"/v1/media/{media['id']}/likes")
    for server in physical_servers():
        counters.roll_up(server)

    assert counts_of([photo_id(media)]) == {photo_id(media): (7, 0)}
    seen = likers[1].get(f"/v1/media/{media['id']}")["data"]
    assert (seen["likes"]["count"], seen["user_has_liked"]) == (7, True)
    assert likers[0].get(f"/v1/media/{media['id']}")["data"]["user_has_liked"] is False


def test_a_comment_can_be_deleted_by_its_author_and_the_photos_owner_only():
    anna, ben, carl = a_person(), a_person(), a_person()
    media = anna.upload()
    path = f"/v1/media/{media['id']}/comments"
    comments = [ben.post(path, text=text)["data"] for text in ("lovely", "really")]

    response = Client().delete(f"{path}/{comments[0]['id']}?access_token={carl.token}")
    assert refusal(response) == ("APINotAllowedError", "you cannot delete this comment")
    ben.delete(f"{path}/{comments[0]['id']}")
    anna.delete(f"{path}/{comments[1]['id']}")

    assert anna.get(path)["data"] == []
    assert counts_of([photo_id(media)]) == {photo_id(media): (0, 0)}


def test_a_deleted_photo_is_gone_from_answers_and_store():
    anna, ben = a_person(), a_person()
    ben.follow(anna)
    media = anna.upload()
    run_until_idle()
    assert [each["id"] for each in ben.get("/v1/users/self/feed")["data"]] == [media["id"]]

    anna.delete(f"/v1/media/{media['id']}")

    assert ben.get("/v1/users/self/feed")["data"] == []
    response = Client().get(f"/v1/media/{media['id']}", {"access_token": anna.token})
    assert refusal(response) == ("APINotFoundError", "invalid media id")
    assert anna.get("/v1/users/self")["data"]["counts"]["media"] == 0
    run_until_idle()
    assert stored(media) == 0


def test_somebody_elses_photo_cannot_be_deleted():
    anna, ben = a_person(), a_person()
    media = anna.upload()

    response = Client().delete(f"/v1/media/{media['id']}?access_token={ben.token}")

    assert refusal(response) == ("APINotAllowedError", "you cannot delete this photo")


def test_a_private_accounts_photo_is_shown_to_followers_alone():
    anna, ben = a_person(), a_person()
    ben.follow(anna)
    stranger, media = a_person(), anna.upload()
    anna.post("/v1/accounts/self", is_private="1")

    ben.get(f"/v1/media/{media['id']}")
    for path in (f"/v1/media/{media['id']}", f"/v1/users/{anna.id}", f"/v1/users/{anna.id}/media/recent"):
        response = Client().get(path, {"access_token": stranger.token})
        assert refusal(response) == ("APINotAllowedError", "you cannot view this resource")


def test_likers_whom_the_viewer_follows_are_shown_first_then_the_latest():
    author, viewer, friend, *strangers = (a_person() for _ in range(12))
    media = author.upload()["id"]
    viewer.follow(friend)
    for person in (friend, *strangers):
        person.post(f"/v1/media/{media}/likes")

    likes = viewer.get(f"/v1/media/{media}")["data"]["likes"]
    anybodys = author.get(f"/v1/media/{media}")["data"]["likes"]

    latest = [str(person.id) for person in reversed(strangers)]
    assert likes["count"] == 10
    assert [person["id"] for person in likes["data"]] == [str(friend.id), *latest[:7]]
    assert [person["id"] for person in anybodys["data"]] == latest[:8]
