"""/oembed and /p/{code}/: what other sites and browsers get to see of a photo."""

import pytest
from django.conf import settings
from django.test import Client

from sharding.ids import shortcode_of
from tests.support.people import a_person

KEYS = {
    "version", "type", "provider_name", "provider_url", "title", "author_name", "author_url", "author_id", "media_id",
    "url", "width", "height",
}  # fmt: skip


@pytest.fixture(scope="module")
def anna():
    return a_person()


@pytest.fixture(scope="module")
def media(anna):
    return anna.upload(caption="#Fog over the #harbour")


@pytest.fixture
def code(media):
    return shortcode_of(int(media["id"].split("_")[0]))


@pytest.fixture
def hidden():
    owner = a_person()
    code = shortcode_of(int(owner.upload()["id"].split("_")[0]))
    owner.post("/v1/accounts/self", is_private="1")
    return owner, code


@pytest.mark.parametrize(
    "address", ["http://instagr.am/p/{}", "https://www.instagram.com/p/{}/", settings.WEB_BASE_URL + "/p/{}/?utm=1"]
)
@pytest.mark.parametrize("path", ["/oembed", "/oembed/", "/oembed.json"])
def test_an_address_of_a_photo_page_is_described(anna, media, code, address, path):
    answer = Client().get(path, {"url": address.format(code)})

    facts = answer.json()
    assert set(facts) == KEYS
    assert (facts["author_id"], facts["media_id"], facts["author_name"]) == (anna.id, media["id"], anna.username)
    assert facts["title"] == "#Fog over the #harbour"
    assert (facts["width"], facts["url"]) == (612, media["images"]["standard_resolution"]["url"])


@pytest.mark.parametrize(
    ("limits", "side"),
    [
        ({"maxwidth": 611}, 306),
        ({"maxwidth": 612}, 612),
        ({"maxheight": 200, "maxwidth": 900}, 150),
        ({"maxwidth": 9}, 150),
    ]
    + [({"maxwidth": "wide"}, 612)],
)
def test_the_largest_rendition_within_the_limits_is_given(code, limits, side):
    facts = Client().get("/oembed", {"url": f"http://instagr.am/p/{code}/"} | limits).json()

    assert (facts["width"], facts["height"]) == (side, side)


def test_a_callback_wraps_it(code):
    answer = Client().get("/oembed", {"url": f"http://instagr.am/p/{code}/", "callback": "show"})
    bad = Client().get("/oembed", {"url": f"http://instagr.am/p/{code}/", "callback": "a b"})

    assert answer.content.startswith(b"show({")
    assert (bad.status_code, bad.json()["error_type"]) == (400, "APIInvalidParametersError")


@pytest.mark.parametrize(
    "address", ["", "http://example.com/p/abc/", "http://instagr.am/x", "ftp://instagr.am/p/a", "http://[", "p"]
)
def test_another_address_is_no_match(address):
    answer = Client().get("/oembed", {"url": address})

    assert (answer.status_code, answer.content) == (404, b"No URL Match")


def test_what_is_private_or_not_there_is_no_match(hidden):
    for code in (hidden[1], "zzzzzzzzzzz", "BAAAAAAA"):
        assert Client().get("/oembed", {"url": f"http://instagr.am/p/{code}/"}).content == b"No Media Match"
        assert Client().get(f"/p/{code}/media/").status_code == 404
        assert Client().get(f"/p/{code}/").status_code == 404


@pytest.mark.parametrize(
    ("size", "name"),
    [("t", "thumbnail"), ("m", "low_resolution"), ("l", "standard_resolution"), ("", "low_resolution")],
)
def test_media_redirects_to_the_jpeg(media, code, size, name):
    answer = Client().get(f"/p/{code}/media/", {"size": size} if size else {})

    assert (answer.status_code, answer["Location"]) == (302, media["images"][name]["url"])


def test_another_verb_is_told_so(code):
    browser = Client(enforce_csrf_checks=True)

    assert [browser.post(path).status_code for path in ("/oembed", f"/p/{code}/media/")] == [405, 405]


def test_the_page_of_a_photo_shows_it_with_its_caption_and_comments(anna, media, code):
    anna.post(f"/v1/media/{media['id']}/comments", text="<b>lovely</b>")

    page = Client().get(f"/p/{code}/").content.decode()

    assert media["images"]["standard_resolution"]["url"] in page
    assert "#Fog over the #harbour" in page
    assert "&lt;b&gt;lovely&lt;/b&gt;" in page


def test_a_private_photos_page_is_there_for_its_owner(hidden):
    owner, code = hidden
    browser = Client()
    browser.post("/accounts/login/", {"username": owner.username, "password": "secret word"})

    assert browser.get(f"/p/{code}/").status_code == 200
