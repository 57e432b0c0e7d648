"""The home feed, through the API, with the workers' tasks run here."""

from unittest.mock import patch

import pytest
from django.conf import settings as django_settings
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from caching import cache
from feeds.models import Inbox
from feeds.queries import home_feed
from feeds.tasks import backfill, fan_out
from jobs.testing import run_until_idle
from sharding import shard_of
from tests.support.people import a_person, refusal
from tests.support.round_trips import counted
from tests.support.waiting import wait_until


def ids_of(answer):
    return [media["id"] for media in answer["data"]]


def inbox_of(person):
    rows = shard_of(person.id).model(Inbox).objects.filter(user_id=person.id)
    return sorted(rows.values_list("photo_id", flat=True))


def test_a_photo_reaches_followers_and_nobody_else():
    anna, ben, carl = a_person(), a_person(), a_person()
    ben.follow(anna)
    media = anna.upload()
    run_until_idle()

    assert ids_of(ben.get("/v1/users/self/feed")) == [media["id"]]
    assert ids_of(carl.get("/v1/users/self/feed")) == []


def test_ones_own_photo_is_in_ones_feed_before_any_worker_ran():
    anna = a_person()
    media = anna.upload()

    assert ids_of(anna.get("/v1/users/self/feed")) == [media["id"]]


def test_delivering_a_photo_twice_leaves_one_copy_in_the_inbox():
    anna, ben = a_person(), a_person()
    ben.follow(anna)
    photo_id = int(anna.upload()["id"].split("_")[0])
    for _ in range(2):
        fan_out(photo_id=photo_id, author_id=anna.id)
    run_until_idle()

    assert inbox_of(ben) == [photo_id]


def test_small_batches_over_many_shards_reach_every_follower(settings):
    settings.FAN_OUT_BATCH = 2
    anna, followers = a_person(), [a_person() for _ in range(9)]
    for person in followers:
        person.follow(anna)
    run_until_idle()
    photo_id = int(anna.upload()["id"].split("_")[0])
    run_until_idle()

    assert [inbox_of(person) for person in followers] == [[photo_id]] * 9


def test_a_new_follow_brings_earlier_photos_and_an_unfollow_takes_them_at_once():
    anna, ben = a_person(), a_person()
    media = [anna.upload()["id"] for _ in range(2)]
    ben.follow(anna)
    run_until_idle()
    assert ids_of(ben.get("/v1/users/self/feed")) == media[::-1]

    ben.unfollow(anna)

    assert ids_of(ben.get("/v1/users/self/feed")) == []
    run_until_idle()
    assert inbox_of(ben) == []


def test_a_backfill_that_comes_after_the_unfollow_leaves_nothing():
    anna, ben = a_person(), a_person()
    anna.upload()
    ben.follow(anna)
    ben.unfollow(anna)
    backfill(follower_id=ben.id, followee_id=anna.id)

    assert inbox_of(ben) == []
    run_until_idle()


@pytest.fixture(scope="module")
def a_busy_feed():
    # What was just written is cached a moment later: let that be short.
    with patch.object(cache, "TOMBSTONE_S", 1):
        ben, authors = a_person(), [a_person() for _ in range(3)]
        for author in authors:
            ben.follow(author)
        media = [int(person.upload()["id"].split("_")[0]) for _ in range(3) for person in [*authors, ben]]
        run_until_idle()
    return ben, sorted(media, reverse=True)


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 7))
def test_paging_shows_every_photo_once_newest_first(a_busy_feed, count):
    ben, expected = a_busy_feed
    seen, below = [], None
    while True:
        page = home_feed(ben.id, max_id=below, count=count)
        seen += [photo for photo, _ in page.photos]
        below = page.next_max_id
        if below is None:
            break

    assert seen == expected


def test_next_url_works_verbatim_and_ends_with_an_empty_pagination(a_busy_feed):
    ben, expected = a_busy_feed
    seen, answer = [], ben.get("/v1/users/self/feed.json", count=5)
    for _ in range(10):
        seen += ids_of(answer)
        if not answer["pagination"]:
            break
        answer = Client().get(answer["pagination"]["next_url"].replace("http://testserver", "")).json()

    assert [int(media.split("_")[0]) for media in seen] == expected


def test_min_id_gives_only_newer_photos(a_busy_feed):
    ben, expected = a_busy_feed

    newer = ben.get("/v1/users/self/feed", min_id=str(expected[4]))

    assert [int(media.split("_")[0]) for media in ids_of(newer)] == expected[:4]


def test_a_bad_cursor_is_refused():
    ben = a_person()
    response = Client().get("/v1/users/self/feed", {"access_token": ben.token, "max_id": "soon"})

    assert refusal(response) == ("APIInvalidParametersError", "max_id: not a media id")


def test_a_warm_page_makes_the_same_few_round_trips_whatever_its_length(a_busy_feed):
    ben, _ = a_busy_feed

    def round_trips(count):
        with counted() as made:
            assert len(ben.get("/v1/users/self/feed", count=count)["data"]) == count
        return made

    wait_until(lambda: round_trips(12)["memcached store"] == 0, what="the page is warm")
    few, many = round_trips(4), round_trips(12)

    # Inbox, liked-by-me, followed-by-me: all on the viewer's shard.
    assert few["sql"] <= many["sql"] <= 3
    # Token, rate limit, bodies, engagement; of authors and of all else profiles and standings; each on every server.
    assert few["memcached"] <= many["memcached"] <= 8 * len(django_settings.MEMCACHED_SERVERS)
    # The inbox knows the author and the id its shard.
    assert many["redis"] == 0
