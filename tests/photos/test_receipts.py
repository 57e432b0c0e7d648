"""What the author of a photo is told of its upload."""

import base64
import hashlib
import urllib.request

import pytest
import pyvips
from django.test import Client

from jobs.testing import run_until_idle
from photos import images
from photos.queries import body_of
from tests.support.people import a_person, a_photo, refusal
from tests.support.store import receipt_row_of


def with_a_position():
    picture = pyvips.Image.new_from_buffer(a_photo(), "").copy()
    picture.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitude", "37/1 48/1 0/1")
    return picture.jpegsave_buffer()


def without_metadata():
    return pyvips.Image.new_from_buffer(a_photo(), "").jpegsave_buffer(keep="none")


def receipt_of(person, media):
    return person.get(f"/v1/media/{media['id']}/receipt")["data"]


def test_a_receipt_says_what_came_in_and_what_was_made_of_it():
    anna, image = a_person(), a_photo()
    media = anna.upload(image, filter="lo-fi", border="1", tilt_shift="radial", lux="0.5")

    receipt = receipt_of(anna, media)

    assert receipt["media_id"] == media["id"]
    assert receipt["received"] == {
        "format": "JPEG", "bytes": len(image), "width": 640, "height": 480, "sha256": hashlib.sha256(image).hexdigest(),
    }  # fmt: skip
    assert receipt["done"] == {"filter": "Lo-fi", "drawn": False, "border": True, "tilt_shift": "radial", "lux": 0.5}
    assert [each["side"] for each in receipt["renditions"]] == list(images.SIZES)
    for each in receipt["renditions"]:
        with urllib.request.urlopen(each["url"], timeout=5) as answer:  # noqa: S310  # our own CDN edge
            served = answer.read()
        assert (each["bytes"], each["md5"]) == (len(served), hashlib.md5(served, usedforsecurity=False).hexdigest())
    assert receipt["original"] == "off"
    assert set(receipt["milliseconds"]) == {"render", "store", "database"}
    assert receipt["rerendered"] is None


@pytest.mark.parametrize(
    ("image", "removed"),
    [
        (without_metadata(), {"gps": False, "metadata": False}),
        (a_photo(), {"gps": False, "metadata": True}),
        (with_a_position(), {"gps": True, "metadata": True}),
    ],
    ids=["nothing", "metadata", "position"],
)
def test_a_receipt_says_what_was_removed(image, removed):
    anna = a_person()

    assert receipt_of(anna, anna.upload(image))["removed"] == removed


def test_a_photo_keeps_a_placeholder_and_its_colour():
    red = pyvips.Image.black(200, 200).new_from_image([200, 30, 40]).copy(interpretation="srgb").pngsave_buffer()

    media = a_person().upload(red)

    body = body_of(int(media["id"].split("_")[0]))
    assert 20 <= len(base64.b64decode(body.placeholder)) <= 25
    colour = [body.colour >> shift & 255 for shift in (16, 8, 0)]
    assert all(abs(part - wanted) <= 3 for part, wanted in zip(colour, (200, 30, 40), strict=True))


def test_a_receipt_goes_with_its_photo():
    anna = a_person()
    media = anna.upload()

    anna.delete(f"/v1/media/{media['id']}")
    run_until_idle()

    assert receipt_row_of(media) is None
    answer = Client().get(f"/v1/media/{media['id']}/receipt", {"access_token": anna.token})
    assert refusal(answer) == ("APINotFoundError", "invalid media id")


def test_a_photo_older_than_receipts_has_none():
    anna = a_person()
    media = anna.upload()
    receipt_row_of(media).delete()

    assert receipt_of(anna, media) is None
