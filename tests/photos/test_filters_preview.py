"""A picture can be seen in its filters before it is published; what is seen is what will be."""

import pytest
import pyvips
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from photos import filters
from photos.filters import OFFERED, Look
from tests.support.people import a_person, a_photo, body, our_client

PATH = "/v1/filters/preview"


@pytest.fixture(scope="module")
def anna():
    return a_person()


def sent(person, picture=None, **params):
    photo = SimpleUploadedFile("photo.jpg", a_photo() if picture is None else picture)
    return Client().post(PATH, {"photo": photo, "access_token": person.token} | params)


def seen(response):
    assert response.status_code == 200, response.content[:300]
    assert response["Content-Type"] == "image/jpeg"
    return pyvips.Image.new_from_buffer(response.content, "")


def refused(response, status=400):
    meta = body(response, status=status)["meta"]
    return meta["error_type"], meta["error_message"]


def difference(one, other):
    return (one.cast("float") - other).abs().avg()


def test_without_a_filter_all_that_are_offered_come_in_one_row_and_are_named(anna):
    response = sent(anna)

    row = seen(response)
    offered = [each["name"] for each in anna.get("/v1/filters")["data"] if each["active"]]
    assert response["X-Filters"].split(", ") == offered == list(OFFERED)
    assert (row.width, row.height) == (102 * len(offered), 102)
    normal, inkwell = (row.crop(102 * offered.index(name), 0, 102, 102) for name in ("Normal", "Inkwell"))
    assert difference(normal[0], normal[2]) > 20
    assert difference(inkwell[0], inkwell[2]) < 2


def test_with_a_filter_it_comes_alone_in_the_size_photos_are_shown_in(anna):
    response = sent(anna, filter="earlyBIRD")

    assert (seen(response).width, seen(response).height) == (612, 612)
    assert response["X-Filters"] == "Earlybird"


@pytest.mark.parametrize(
    ("params", "look"),
    [
        ({"filter": "Toaster"}, Look("Toaster")),
        ({"filter": "Gotham", "border": "1"}, Look("Gotham", border=True)),
        ({"filter": "Normal", "tilt_shift": "linear", "lux": "0.8"}, Look(tilt_shift="linear", lux=0.8)),
    ],
)
def test_the_preview_is_what_the_look_does(anna, params, look):
    square = pyvips.Image.new_from_buffer(a_photo(width=400, height=400), "").copy_memory()

    shown = seen(sent(anna, square.jpegsave_buffer(Q=95), size="400", **params))

    # What is left is the JPEG's.
    assert difference(shown, filters.apply(square, look)) < 2.5


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"filter": "Clarendon"}, "filter: no filter is called Clarendon"),
        ({"border": "2"}, "border: must be 0 or 1"),
        ({"tilt_shift": "spiral"}, "tilt_shift: must be one of linear, none, radial"),
        ({"lux": "1.5"}, "lux: not a number from 0 to 1"),
        ({"lux": "nan"}, "lux: not a number from 0 to 1"),
        ({"size": "613"}, "size: not a valid whole number"),
        ({"size": "59"}, "size: not a valid whole number"),
        ({"picture": b""}, "photo: the file is empty"),
        ({"picture": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}, "photo: not a picture"),
        ({"picture": a_photo()[:3000]}, "photo: the file is damaged or incomplete"),
        ({"picture": a_photo(width=149)}, "at least 150"),
    ],
)
def test_what_is_wrong_is_refused_in_the_envelope(anna, params, words):
    error_type, message = refused(sent(anna, **params))

    assert error_type == "APIInvalidParametersError"
    assert words in message


def test_a_file_is_needed_and_a_token_of_our_own_app(anna):
    assert refused(Client().post(PATH, {"access_token": anna.token}))[1] == "photo: this file is required"
    assert refused(Client().post(PATH, {"client_id": our_client().client_id}))[0] == "OAuthParameterException"


def test_previews_count_against_the_limit_as_every_call_does(anna, settings):
    before = int(sent(anna, size="60")["X-Ratelimit-Remaining"])
    assert int(sent(anna, size="60")["X-Ratelimit-Remaining"]) == before - 1

    settings.RATE_LIMIT_PER_HOUR = 1
    assert refused(sent(anna), status=429)[0] == "OAuthRateLimitException"
