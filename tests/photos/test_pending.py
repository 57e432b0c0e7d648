"""Uploading before the caption: through the API, on real shards and a real store."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import pyvips
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client

from jobs.testing import run_until_idle
from photos import storage
from photos.services import erasing, pending, unpublished
from sharding import shard_of
from tests.support.people import a_person, a_photo, body, refusal
from tests.support.store import let_expire, objects_of, receipt_row_of, row_of
from tests.support.store import unpublished as written_down

NOTHING_WAITS = (
    "APIInvalidParametersError",
    "upload_id: no upload waits under this key, or its time is over; send the photo again",
)


@pytest.fixture
def anna():
    return a_person()


def send(person, image=None, **params):
    photo = SimpleUploadedFile("photo.jpg", image or a_photo())
    return Client().post("/v1/media/uploads", params | {"photo": photo, "access_token": person.token})


def send_well(person, image=None, **params):
    return body(send(person, image, **params))["data"]


def publish(person, **params):
    return Client().post("/v1/media", params | {"access_token": person.token})


def is_grey(jpeg):
    bands = pyvips.Image.new_from_buffer(jpeg, "").colourspace("hsv")
    return bands[1].avg() < 2


def test_a_picture_sent_before_its_caption_is_published_without_sending_it_again(anna):
    held = send_well(anna)
    ((stem, original_stem),) = written_down(anna)

    media = anna.post("/v1/media", upload_id=held["upload_id"], caption="#fog", filter="Earlybird")["data"]
    run_until_idle()

    assert (row_of(media).image_stem, media["filter"], media["tags"]) == (stem, "Earlybird", ["fog"])
    assert len(objects_of(stem)) == 4
    assert objects_of(original_stem) == set()
    assert written_down(anna) == []
    assert anna.get("/v1/media/uploads")["data"] == []


def test_publishing_it_again_gives_the_first_photo(anna):
    upload_id = send_well(anna)["upload_id"]

    ids = {anna.post("/v1/media", upload_id=upload_id, caption=text)["data"]["id"] for text in ("one", "two")}
    held = send_well(anna, upload_id=upload_id)

    assert len(ids) == 1
    assert held["upload_id"] == upload_id
    assert written_down(anna) == []
    assert len(anna.get("/v1/users/self/media/recent")["data"]) == 1


def test_of_two_pictures_under_one_key_the_first_is_published(anna):
    first, second = a_photo(), a_photo(width=300, height=400)
    assert send_well(anna, first, upload_id="k") == send_well(anna, second, upload_id="k")

    media = anna.upload(second, upload_id="k")

    assert receipt_row_of(media).received["width"] == 640
    assert written_down(anna) == []


def test_many_at_once_under_one_key_leave_one_picture_and_give_one_photo(anna):
    def at_once(verb):
        def one(number):
            try:
                return verb(number)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, range(4)))

    at_once(lambda number: send_well(anna, a_photo(width=300 + number), upload_id="k"))
    ((stem, original_stem),) = written_down(anna)
    ids = {media["id"] for media in at_once(lambda _: body(publish(anna, upload_id="k"))["data"])}
    run_until_idle()

    assert len(ids) == 1
    assert (len(objects_of(stem)), objects_of(original_stem), written_down(anna)) == (4, set(), [])


@pytest.mark.parametrize("look", [{}, {"filter": "Inkwell", "filtered": "0"}])
def test_who_comes_while_an_equal_request_publishes_gets_its_photo(anna, monkeypatch, look):
    upload_id = send_well(anna)["upload_id"]
    find, first = pending.find, []

    def found_and_published(*key):
        monkeypatch.undo()
        found = find(*key) if look else None  # before the other is done, or after
        first.append(body(publish(anna, upload_id=upload_id))["data"])
        run_until_idle()
        return found

    monkeypatch.setattr(pending, "find", found_and_published)
    second = body(publish(anna, upload_id=upload_id, **look))["data"]

    assert [second["id"]] == [media["id"] for media in first]
    assert written_down(anna) == []


def test_ones_own_waiting_uploads_are_listed_and_can_be_thrown_away(anna):
    first, second = (send_well(anna, upload_id=key) for key in ("a", "b"))
    stems = [stem for pair in written_down(anna) for stem in pair]

    assert anna.get("/v1/media/uploads")["data"] == [first, second]
    assert a_person().get("/v1/media/uploads")["data"] == []
    for key in ("a", "b"):
        body(Client().delete(f"/v1/media/uploads?upload_id={key}&access_token={anna.token}"))
    run_until_idle()

    assert anna.get("/v1/media/uploads")["data"] == []
    assert [objects_of(stem) for stem in stems] == [set()] * 4
    assert refusal(Client().delete(f"/v1/media/uploads?upload_id=a&access_token={anna.token}")) == NOTHING_WAITS


def test_more_than_the_quota_cannot_wait(anna, settings):
    settings.WAITING_UPLOADS_MAX = 2
    for key in ("a", "b"):
        send_well(anna, upload_id=key)

    refused = refusal(send(anna, upload_id="c"))

    assert refused == ("APINotAllowedError", "2 uploads wait already: publish or delete one first")
    assert len(written_down(anna)) == 2
    send_well(anna, upload_id="b")
    body(publish(anna, upload_id="a"))
    send_well(anna, upload_id="c")


def test_what_waited_too_long_is_gone_with_its_objects(anna):
    upload_id = send_well(anna)["upload_id"]
    ((stem, original_stem),) = written_down(anna)
    let_expire(anna)

    assert refusal(publish(anna, upload_id=upload_id)) == NOTHING_WAITS
    assert anna.get("/v1/media/uploads")["data"] == []
    unpublished.expire(shard_of(anna.id).server)
    run_until_idle()

    assert objects_of(stem) | objects_of(original_stem) == set()
    assert written_down(anna) == []


def test_somebody_elses_upload_cannot_be_published_or_thrown_away(anna):
    ben, upload_id = a_person(), send_well(anna)["upload_id"]

    assert refusal(publish(ben, upload_id=upload_id)) == NOTHING_WAITS
    address = f"/v1/media/uploads?upload_id={upload_id}&access_token={ben.token}"
    assert refusal(Client().delete(address)) == NOTHING_WAITS


@pytest.mark.parametrize(
    ("image", "params", "message"),
    [
        (b"<svg/>", {}, "photo: not a picture that can be read here; send JPEG or PNG"),
        (None, {"upload_id": "x" * 65}, "upload_id: at most 64 characters"),
    ],
)
def test_what_cannot_be_published_does_not_wait(anna, image, params, message):
    assert refusal(send(anna, image, **params)) == ("APIInvalidParametersError", message)
    assert written_down(anna) == []


def test_a_caption_that_is_refused_leaves_the_picture_waiting(anna):
    upload_id = send_well(anna)["upload_id"]

    refusal(publish(anna, upload_id=upload_id, caption="x" * 2201))

    body(publish(anna, upload_id=upload_id, caption="shorter"))


def test_a_deleted_persons_waiting_uploads_go_with_them(anna):
    send_well(anna)
    ((stem, original_stem),) = written_down(anna)

    while erasing.erase_photos(anna.id).next is not None:
        pass
    run_until_idle()

    assert objects_of(stem) | objects_of(original_stem) == set()
    assert written_down(anna) == []


def test_the_look_can_be_chosen_when_it_is_published(anna):
    upload_id = send_well(anna)["upload_id"]
    ((plain, original_stem),) = written_down(anna)

    media = anna.post("/v1/media", upload_id=upload_id, filter="Inkwell", filtered="0")["data"]
    run_until_idle()

    photo = row_of(media)
    assert is_grey(storage.read_largest(photo.image_stem))
    assert photo.image_stem != plain
    assert [objects_of(plain), objects_of(original_stem)] == [set(), set()]
    assert receipt_row_of(media).done["drawn"] is True
    assert written_down(anna) == []


def test_what_was_sent_while_the_account_was_public_is_not_public_when_it_has_turned_private(anna):
    upload_id = send_well(anna)["upload_id"]
    anna.post("/v1/accounts/self", is_private="1")

    media = anna.post("/v1/media", upload_id=upload_id)["data"]

    assert storage.is_private(row_of(media).image_stem)
