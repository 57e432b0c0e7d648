"""Locations through the API: made, found, shown with their photos; uploads that name one."""

import random
import secrets

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.services import block_user
from jobs.testing import run_until_idle
from sharding.ids import created_time_of
from tests.support.people import a_person, a_photo, body, our_client, refusal


def somewhere():
    """A point where no other test has been."""
    return round(random.uniform(-80, 80), 5), round(random.uniform(-179, 179), 5)


def ids_of(answer):
    return [each["id"] for each in answer["data"]]


def get(path, **params):
    return body(Client().get(path, {"client_id": our_client().client_id, **params}))


def refused(path, verb="get", **params):
    return refusal(getattr(Client(), verb)(path, params))


def test_a_number_too_small_for_arithmetic_is_zero():
    found = get("/v1/locations/search", lat="5e-324", lng="1e-200")

    assert found["meta"]["code"] == 200


def test_a_made_location_is_shown_and_making_it_again_finds_it():
    anna, (lat, lng) = a_person(), somewhere()
    made = anna.post("/v1/locations", name=" Pier  9 ", lat=lat, lng=lng)["data"]

    assert made == {"id": made["id"], "name": "Pier 9", "latitude": lat, "longitude": lng}
    assert get(f"/v1/locations/{made['id']}")["data"] == made
    assert anna.post("/v1/locations", name="pier 9", lat=lat + 0.0003, lng=lng)["data"] == made
    assert anna.post("/v1/locations", name="Pier 9", lat=lat + 0.01, lng=lng)["data"]["id"] != made["id"]


def test_foursquares_id_names_one_place_and_finds_it():
    anna, (lat, lng), venue = a_person(), somewhere(), secrets.token_hex(12)
    made = anna.post("/v1/locations", name="Pier 9", lat=lat, lng=lng, foursquare_v2_id=venue)["data"]

    assert anna.post("/v1/locations", name="other", lat=0, lng=0, foursquare_v2_id=venue)["data"] == made
    assert get("/v1/locations/search", foursquare_v2_id=venue)["data"] == [made]
    assert get("/v1/locations/search", foursquare_v2_id="nothing")["data"] == []
    assert get("/v1/locations/search", facebook_places_id="1", lat="x")["data"] == []


def test_search_gives_the_nearest_first_within_the_distance():
    anna, (lat, lng) = a_person(), somewhere()
    made = [anna.post("/v1/locations", name=f"place {n}", lat=lat + n * 0.004, lng=lng)["data"]["id"] for n in range(4)]

    # 0, 445, 890 and 1,334 m away; 1,000 m unless told otherwise.
    assert ids_of(get("/v1/locations/search", lat=lat, lng=lng)) == made[:3]
    assert ids_of(get("/v1/locations/search", lat=lat, lng=lng, distance=500)) == made[:2]
    assert ids_of(get("/v1/locations/search", lat=lat, lng=lng, distance=10**9)) == made
    assert ids_of(get("/v1/locations/search", lat=lat, lng=lng, count=1)) == made[:1]


def test_search_reaches_across_the_date_line():
    anna, lat = a_person(), somewhere()[0]
    made = anna.post("/v1/locations", name="the other side", lat=lat, lng=179.9999)["data"]

    assert ids_of(get("/v1/locations/search", lat=lat, lng=-179.9999, distance=100)) == [made["id"]]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "lat: lat and lng are required"),
        ({"lat": "1"}, "lng: lat and lng come together"),
        ({"lat": "91", "lng": "1"}, "lat: not a number from -90 to 90"),
        ({"lat": "1", "lng": "1", "distance": "far"}, "distance: not a number"),
        ({"lat": "nan", "lng": "1"}, "lat: not a number from -90 to 90"),
    ],
)
def test_a_search_without_a_point_is_refused(params, message):
    found = refused("/v1/locations/search", client_id=our_client().client_id, **params)
    assert found == ("APIInvalidParametersError", message)


@pytest.mark.parametrize("location_id", ["999999999999", "pier9", "99999999999999999999", "-1"])
@pytest.mark.parametrize("path", ["/v1/locations/{}", "/v1/locations/{}/media/recent"])
def test_an_unknown_location_is_refused(location_id, path):
    found = refused(path.format(location_id), client_id=our_client().client_id)
    assert found == ("APINotFoundError", "invalid location id")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"lat": 1, "lng": 1}, "name: this parameter is required"),
        ({"name": "x"}, "lat: lat and lng are required"),
        ({"name": "x" * 101, "lat": 1, "lng": 1}, "name: 1 to 100 characters"),
        ({"name": "x", "lat": 1, "lng": 1, "foursquare_v2_id": "a b"}, "foursquare_v2_id: not an id of a venue"),
    ],
)
def test_a_bad_location_is_refused(params, message):
    found = refused("/v1/locations", verb="post", access_token=a_person().token, **params)
    assert found == ("APIInvalidParametersError", message)


def test_making_a_location_needs_a_token():
    assert refused("/v1/locations", verb="post", client_id=our_client().client_id)[0] == "OAuthParameterException"


def test_an_uploads_location_wins_over_its_coordinates():
    anna, (lat, lng) = a_person(), somewhere()
    place = anna.post("/v1/locations", name="Pier 9", lat=lat, lng=lng)["data"]

    assert anna.upload(location_id=place["id"], lat="1", lng="2")["location"] == place


def test_an_upload_makes_or_finds_the_venue_foursquare_names():
    anna, (lat, lng), venue = a_person(), somewhere(), secrets.token_hex(12)
    first = anna.upload(foursquare_v2_id=venue, location_name="Pier 9", lat=str(lat), lng=str(lng))["location"]
    second = anna.upload(foursquare_v2_id=venue)["location"]

    assert first == second
    assert first | {"id": ""} == {"id": "", "name": "Pier 9", "latitude": lat, "longitude": lng}


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"location_id": "999999999999"}, ("APINotFoundError", "invalid location id")),
        ({"foursquare_v2_id": "new1"}, ("APIInvalidParametersError", "lat: a new place needs lat and lng")),
        (
            {"foursquare_v2_id": "new1", "lat": "1", "lng": "1"},
            ("APIInvalidParametersError", "location_name: this parameter is required"),
        ),
    ],
)
def test_an_upload_to_no_place_is_refused(params, error):
    photo = SimpleUploadedFile("a.jpg", a_photo())
    assert refused("/v1/media", verb="post", access_token=a_person().token, photo=photo, **params) == error


def test_a_locations_photos_page_by_id_and_time_newest_first():
    anna, (lat, lng) = a_person(), somewhere()
    place = anna.post("/v1/locations", name="Pier 9", lat=lat, lng=lng)["data"]
    media = [anna.upload(location_id=place["id"])["id"] for _ in range(3)][::-1]
    run_until_idle()
    path = f"/v1/locations/{place['id']}/media/recent"
    page = anna.get(path, count=2)

    assert set(page["pagination"]) == {"next_max_id", "next_url"}
    assert page["pagination"]["next_max_id"] == media[1]
    rest = Client().get(page["pagination"]["next_url"].replace("http://testserver", "")).json()
    assert (ids_of(page) + ids_of(rest), rest["pagination"]) == (media, {})
    assert ids_of(anna.get(path, min_id=media[2])) == media[:2]
    made = created_time_of(int(media[0].split("_")[0]))
    assert ids_of(anna.get(path, min_timestamp=made + 1)) == []
    assert ids_of(anna.get(path, max_timestamp=made, count=1)) == media[:1]


def test_a_locations_photos_are_those_of_public_accounts_that_did_not_block_the_viewer():
    people, (lat, lng) = [a_person() for _ in range(3)], somewhere()
    place = people[0].post("/v1/locations", name="Pier 9", lat=lat, lng=lng)["data"]
    media = [person.upload(location_id=place["id"])["id"] for person in people]
    run_until_idle()
    viewer = a_person()
    people[0].post("/v1/accounts/self", is_private="1")
    block_user(owner_id=people[1].id, other_id=viewer.id)

    assert ids_of(viewer.get(f"/v1/locations/{place['id']}/media/recent")) == media[2:]
    assert ids_of(get(f"/v1/locations/{place['id']}/media/recent")) == [media[2], media[1]]
