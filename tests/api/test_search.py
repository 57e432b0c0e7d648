"""Finding people and photos near a point."""

import random
import secrets
import time

import pytest
from django.test import Client

from accounts.services import block_user, deactivate, sign_up
from api.parameters import Params
from api.v1.media_search import DAY_S, _span
from jobs.testing import run_until_idle
from tests.support.people import a_person, body, our_client, refusal


def somewhere():
    """A point where no other test has been."""
    return round(random.uniform(-80, 80), 5), round(random.uniform(-179, 179), 5)


def ids_of(answer):
    return [each["id"] for each in answer["data"]]


def get(path, **params):
    return body(Client().get(path, {"client_id": our_client().client_id, **params}))


def a_word():
    return "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=14))


def test_people_are_found_by_username_then_by_words_of_their_names():
    word = a_word()
    last = a_person(full_name=f"Anna {word.title()}son")
    other = a_person(full_name=f"{word.title()}-Лунд Reed")
    name = a_person().username

    assert ids_of(get("/v1/users/search", q=word)) == [str(last.id), str(other.id)]
    assert ids_of(get("/v1/users/search", q=f"reed {word}")) == [str(other.id)]
    assert ids_of(get("/v1/users/search", q=f"{word} лун")) == [str(other.id)]
    first = get("/v1/users/search", q=f"@{name.upper()}")["data"][0]
    assert first["username"] == name
    assert set(first) == {"id", "username", "full_name", "profile_picture"}


def test_the_very_name_comes_before_longer_ones():
    name = a_word()
    people = [
        sign_up(username=f"{name}{end}", password="secret", email=f"{name}{end}@example.com")
        for end in ("zz", "", ".a")
    ]
    named = a_person(full_name=name)

    found = ids_of(get("/v1/users/search", q=name))
    assert found == [str(people[1].pk), str(people[2].pk), str(people[0].pk), str(named.id)]
    assert ids_of(get("/v1/users/search", q=name, count=2)) == found[:2]


def test_private_people_are_found_those_away_or_blocking_are_not():
    word = a_word()
    private, away, blocking = (a_person(full_name=word) for _ in range(3))
    viewer = a_person()
    private.post("/v1/accounts/self", is_private="1")
    deactivate(away.id)
    block_user(owner_id=blocking.id, other_id=viewer.id)

    assert ids_of(viewer.get("/v1/users/search", q=word)) == [str(private.id)]
    assert ids_of(get("/v1/users/search", q=word)) == [str(private.id), str(blocking.id)]


@pytest.mark.parametrize("q", ["%", "_", "' & !(", "a:* | b", "☃", "x" * 3000, "\\"])
def test_a_strange_search_for_people_is_no_error(q):
    assert isinstance(get("/v1/users/search", q=q)["data"], list)


@pytest.mark.parametrize("q", ["", " ", "@"])
def test_a_search_for_nobody_is_refused(q):
    response = Client().get("/v1/users/search", {"client_id": our_client().client_id, "q": q})
    assert refusal(response) == ("APIInvalidParametersError", "q: this parameter is required")


def test_photos_near_a_point_are_newest_first_with_their_distance():
    anna, (lat, lng) = a_person(), somewhere()
    media = [anna.upload(lat=str(lat + n * 0.004), lng=str(lng))["id"] for n in range(4)]
    run_until_idle()
    found = get("/v1/media/search", lat=lat, lng=lng)

    assert "pagination" not in found
    assert ids_of(found) == media[2::-1]  # 890, 445, 0 m; the fourth is 1,334 m away
    assert [each["distance"] for each in found["data"]] == pytest.approx([889.6, 444.8, 0.0], abs=0.5)
    assert ids_of(get("/v1/media/search", lat=lat, lng=lng, distance=500)) == media[1::-1]
    assert ids_of(get("/v1/media/search", lat=lat, lng=lng, distance=99999, count=1)) == media[3:]


def test_a_search_covers_the_days_it_was_asked_for():
    anna, (lat, lng) = a_person(), somewhere()
    media = anna.upload(lat=str(lat), lng=str(lng))
    run_until_idle()
    made = int(media["created_time"])

    def found(**span):
        return ids_of(get("/v1/media/search", lat=lat, lng=lng, **span))

    assert found(min_timestamp=made, max_timestamp=made) == [media["id"]]
    assert found(max_timestamp=made - 1) == []
    assert found(min_timestamp=made + 1) == []
    assert found(min_timestamp=made - 6 * DAY_S) == []  # five days from there


def test_the_span_is_five_days_and_seven_at_most():
    def span(**params):
        return _span(Params({name: str(value) for name, value in params.items()}))

    now = int(time.time())
    earliest, latest = span()
    assert latest - earliest == 5 * DAY_S
    assert abs(latest - now) <= 2
    assert span(min_timestamp=1000) == (1000, 1000 + 5 * DAY_S)
    assert span(max_timestamp=10**9) == (10**9 - 5 * DAY_S, 10**9)
    assert span(min_timestamp=0, max_timestamp=10**9) == (10**9 - 7 * DAY_S, 10**9)


def test_private_and_blocking_people_s_photos_are_not_found():
    private, blocking, shown = (a_person() for _ in range(3))
    viewer, (lat, lng) = a_person(), somewhere()
    viewer.follow(private)
    run_until_idle()
    media = [person.upload(lat=str(lat), lng=str(lng))["id"] for person in (private, blocking, shown)]
    run_until_idle()
    private.post("/v1/accounts/self", is_private="1")
    block_user(owner_id=blocking.id, other_id=viewer.id)

    assert ids_of(viewer.get("/v1/media/search", lat=lat, lng=lng)) == media[2:]


@pytest.mark.parametrize("params", [{}, {"lat": 1}, {"lat": 1, "lng": 1, "min_timestamp": "soon"}])
def test_a_bad_search_for_photos_is_refused(params):
    response = Client().get("/v1/media/search", {"client_id": our_client().client_id, **params})
    assert refusal(response)[0] == "APIInvalidParametersError"


@pytest.mark.parametrize("span", [{"max_timestamp": 0}, {"min_timestamp": 253402300799}, {"max_timestamp": 5}])
def test_a_search_of_times_without_photos_finds_nothing(span):
    assert get("/v1/media/search", lat=1, lng=1, **span)["data"] == []


def test_the_words_of_a_route_win_over_ids():
    token = secrets.token_hex(2)
    assert get("/v1/users/search.json", q=token)["data"] == []
    assert isinstance(get("/v1/media/popular/")["data"], list)
