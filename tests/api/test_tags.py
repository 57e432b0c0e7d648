"""Tags through the API: counts, pages in order of tagging, search."""

import secrets
from unittest.mock import patch
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client

from accounts.services import block_user
from caching import cache
from jobs.testing import run_until_idle
from photos.models import Tag
from photos.services import tag_totals
from sharding import physical_servers
from tests.support.people import a_person, body, our_client, refusal
from tests.support.round_trips import counted
from tests.support.waiting import wait_until

WARNING = "next_max_id and min_id are deprecated for this endpoint; use min_tag_id and max_tag_id instead"


def a_tag():
    return f"tag{secrets.token_hex(6)}"


def ids_of(answer):
    return [media["id"] for media in answer["data"]]


def get(path, **params):
    return body(Client().get(path, {"client_id": our_client().client_id, **params}))


def totals_arrive():
    run_until_idle()
    for server in physical_servers():
        tag_totals.copy_changed(server)


@pytest.mark.parametrize("spelling", [str.lower, str.upper, lambda tag: f"%23{tag}"])
def test_a_tag_is_found_in_any_case_and_with_its_hash(spelling):
    anna, tag = a_person(), a_tag()
    media = anna.upload(caption=f"#{tag}")
    run_until_idle()

    assert get(f"/v1/tags/{spelling(tag)}")["data"] == {"name": tag, "media_count": 1}
    assert ids_of(get(f"/v1/tags/{spelling(tag)}/media/recent.json")) == [media["id"]]


def test_tags_in_other_scripts_work_percent_encoded():
    anna, tag = a_person(), f"海{secrets.token_hex(4)}ünd"
    media = anna.upload(caption=f"am #{tag}!")
    totals_arrive()

    assert get(f"/v1/tags/{quote(tag)}")["data"]["media_count"] == 1
    assert ids_of(get(f"/v1/tags/{quote(tag)}/media/recent")) == [media["id"]]
    assert get("/v1/tags/search", q=tag[:7])["data"] == [{"name": tag, "media_count": 1}]


@pytest.mark.parametrize("name", ["nobodyusedthisone", "12345", "a b", "x" * 500, "%00", "%FF", "a.b", "'--"])
def test_an_unused_tag_is_no_error(name):
    assert get(f"/v1/tags/{name}")["data"]["media_count"] == 0
    answer = get(f"/v1/tags/{name}/media/recent")
    assert (answer["data"], answer["pagination"]) == ([], {})


def test_the_pages_keys_are_the_contracts_and_next_url_works_verbatim():
    anna, tag = a_person(), a_tag()
    media = [anna.upload(caption=f"#{tag}")["id"] for _ in range(3)][::-1]
    run_until_idle()
    first = anna.get(f"/v1/tags/{tag}/media/recent.json", count=2)

    pagination = first["pagination"]
    assert set(pagination) == {
        "next_max_tag_id", "next_max_id", "min_tag_id", "next_min_id", "deprecation_warning", "next_url",
    }  # fmt: skip
    assert pagination["next_max_tag_id"] == pagination["next_max_id"]
    assert pagination["min_tag_id"] == pagination["next_min_id"]
    assert len(pagination["min_tag_id"]) == 13  # milliseconds
    assert pagination["deprecation_warning"] == WARNING
    assert pagination["next_url"].endswith(f"&max_tag_id={pagination['next_max_tag_id']}")
    rest = Client().get(pagination["next_url"].replace("http://testserver", "")).json()
    assert ids_of(first) + ids_of(rest) == media
    assert set(rest["pagination"]) == {"min_tag_id", "next_min_id", "deprecation_warning"}
    # The old names mean the same.
    assert ids_of(anna.get(f"/v1/tags/{tag}/media/recent", max_id=pagination["next_max_id"])) == media[2:]
    assert ids_of(anna.get(f"/v1/tags/{tag}/media/recent", min_id=rest["pagination"]["next_min_id"])) == media[:2]


def test_polling_with_min_tag_id_gives_what_is_new():
    anna, tag = a_person(), a_tag()
    anna.upload(caption=f"#{tag}")
    run_until_idle()
    seen = anna.get(f"/v1/tags/{tag}/media/recent")["pagination"]["min_tag_id"]
    nothing = anna.get(f"/v1/tags/{tag}/media/recent", min_tag_id=seen)
    assert (nothing["data"], nothing["pagination"]["min_tag_id"]) == ([], seen)

    new = anna.upload(caption=f"#{tag}")
    run_until_idle()
    assert ids_of(anna.get(f"/v1/tags/{tag}/media/recent", min_tag_id=seen)) == [new["id"]]


def test_a_photo_tagged_later_by_its_owner_comes_first():
    anna, tag = a_person(), a_tag()
    late, early = anna.upload(), anna.upload(caption=f"#{tag}")
    anna.post(f"/v1/media/{late['id']}/comments", text=f"#{tag}")
    run_until_idle()

    assert ids_of(get(f"/v1/tags/{tag}/media/recent")) == [late["id"], early["id"]]
    assert get(f"/v1/tags/{tag}")["data"]["media_count"] == 2


def test_private_accounts_are_not_shown_or_counted_not_even_for_followers():
    anna, ben, carl, tag = a_person(), a_person(), a_person(), a_tag()
    ben.follow(anna)
    run_until_idle()
    anna.upload(caption=f"#{tag}")
    shown = carl.upload(caption=f"#{tag}")
    run_until_idle()
    anna.post("/v1/accounts/self", is_private="1")

    # At once, before any task ran, whatever the index says.
    for answer in (ben.get(f"/v1/tags/{tag}/media/recent"), anna.get(f"/v1/tags/{tag}/media/recent")):
        assert ids_of(answer) == [shown["id"]]
    run_until_idle()
    assert get(f"/v1/tags/{tag}")["data"]["media_count"] == 1


def test_a_blocked_viewer_sees_the_others_photos_alone():
    anna, ben, carl, tag = a_person(), a_person(), a_person(), a_tag()
    media = [person.upload(caption=f"#{tag}")["id"] for person in (anna, carl)]
    run_until_idle()
    block_user(owner_id=anna.id, other_id=ben.id)

    assert ids_of(ben.get(f"/v1/tags/{tag}/media/recent")) == media[1:]
    assert ids_of(get(f"/v1/tags/{tag}/media/recent")) == media[::-1]


def test_search_gives_the_tag_itself_first_then_the_most_used():
    anna, tag = a_person(), a_tag()
    anna.upload(caption=f"#{tag} #{tag}rare #{tag}often #{tag}_x")
    for _ in range(2):
        anna.upload(caption=f"#{tag}often")
    totals_arrive()

    found = get("/v1/tags/search", q=f"#{tag.upper()}")["data"]
    assert found == [
        {"name": tag, "media_count": 1},
        {"name": f"{tag}often", "media_count": 3},
        {"name": f"{tag}_x", "media_count": 1},
        {"name": f"{tag}rare", "media_count": 1},
    ]
    assert len(get("/v1/tags/search", q=tag, count=2)["data"]) == 2
    assert get("/v1/tags/search", q=f"{tag}_")["data"] == [{"name": f"{tag}_x", "media_count": 1}]  # no wildcard


@pytest.mark.parametrize("q", ["%", "a b", "!", "x" * 300, "☃"])
def test_a_search_for_what_no_tag_is_called_finds_nothing(q):
    assert get("/v1/tags/search", q=q)["data"] == []


def test_a_search_needs_its_text():
    response = Client().get("/v1/tags/search", {"client_id": our_client().client_id})
    assert refusal(response) == ("APIInvalidParametersError", "q: this parameter is required")


def test_a_hidden_tag_cannot_be_viewed_or_found():
    anna, tag = a_person(), a_tag()
    anna.upload(caption=f"#{tag}")
    totals_arrive()
    Tag.objects.filter(name=tag).update(hidden=True)

    for path in (f"/v1/tags/{tag}", f"/v1/tags/{tag}/media/recent"):
        response = Client().get(path, {"access_token": anna.token})
        assert refusal(response) == ("APINotAllowedError", "This tag cannot be viewed")
    assert get("/v1/tags/search", q=tag)["data"] == []


def test_jsonp_wraps_a_tag():
    tag = a_tag()
    response = Client().get(f"/v1/tags/{tag}", {"client_id": our_client().client_id, "callback": "cb"})

    assert response.content == b'cb({"meta":{"code":200},"data":{"name":"%s","media_count":0}});' % tag.encode()


def test_a_page_makes_the_same_round_trips_whatever_its_length():
    tag = a_tag()
    # What was just written is cached a moment later: let that be short.
    with patch.object(cache, "TOMBSTONE_S", 1):
        people, ben = [a_person() for _ in range(4)], a_person()
        for number in range(28):
            people[number % 4].upload(caption=f"#{tag}")
        run_until_idle()

    def round_trips(count):
        with counted() as made:
            assert len(ben.get(f"/v1/tags/{tag}/media/recent", count=count)["data"]) == count
        return made

    wait_until(lambda: round_trips(28)["memcached store"] == 0, what="the page is warm")
    few, many = round_trips(20), round_trips(28)

    # Hidden?, the index and liked-by-me.
    assert few["sql"] <= many["sql"] <= 3
    # As a feed's page, and before that profiles twice and standings once: public accounts that did not block.
    assert few["memcached"] <= many["memcached"] <= 12 * len(settings.MEMCACHED_SERVERS)
    assert many["redis"] == 0
