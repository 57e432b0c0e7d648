"""Popular: public photos by likes that fade, one of each person."""

import pytest
from django.test import Client

from accounts.services import block_user
from caching import cache
from feeds import popular
from feeds.models import PopularList
from sharding import counters, shard_of_object
from tests.support.people import a_person, body, our_client


def ids_of(answer):
    return [each["id"] for each in answer["data"]]


def shown(viewer=None, count=100):
    if viewer:
        return ids_of(viewer.get("/v1/media/popular", count=count))
    return ids_of(body(Client().get("/v1/media/popular", {"client_id": our_client().client_id, "count": count})))


def photo_id_of(media):
    return int(media["id"].split("_")[0])


def liked(media, likes):
    """Give a photo many likes at once: numbers alone, as likers' shards have no say in it."""
    shard = shard_of_object(photo_id_of(media))
    counters.add(shard, counters.PHOTO_LIKES, photo_id_of(media), likes)
    return media["id"]


@pytest.fixture(autouse=True)
def the_tests_photos_alone(settings):
    """Other tests' photos have few likes: ours are the top of the list."""
    settings.POPULAR_CANDIDATES = 40
    PopularList.objects.all().delete()
    cache.client().delete(f"{settings.CACHE_PREFIX}{popular.POPULAR_KIND}:{popular._ALL}")


def test_the_most_liked_come_first_one_of_each_person():
    anna, ben = a_person(), a_person()
    less, best, second = (
        liked(person.upload(), likes) for person, likes in ((anna, 50_000), (anna, 60_000), (ben, 40_000))
    )
    popular.make()

    found = shown()
    assert [each for each in found if each in (less, best, second)] == [best, second]
    assert len(shown(count=1)) == 1
    authors = [each.split("_")[1] for each in found]
    assert len(authors) == len(set(authors))


def test_likes_fade_with_time():
    assert popular._score(100, 3600) > popular._score(150, 4 * 3600)
    assert popular._score(2, 0) > popular._score(1, 0)


def test_older_photos_fill_the_list_when_new_ones_are_too_few(settings):
    anna = a_person()
    media = liked(anna.upload(), 10_000_000)
    settings.POPULAR_HOURS = -1  # everything is older than that
    popular.make()

    assert media in shown()


def test_private_accounts_leave_the_list_at_once_and_blocked_viewers_do_not_see():
    anna, ben, carl = a_person(), a_person(), a_person()
    media = [liked(person.upload(), 20_000_000) for person in (anna, ben)]
    ben.follow(carl)
    popular.make()
    assert set(media) <= set(shown(carl))

    block_user(owner_id=ben.id, other_id=carl.id)
    anna.post("/v1/accounts/self", is_private="1")
    assert not set(media) & set(shown(carl))
    assert media[1] in shown()
    popular.make()
    assert int(media[0].split("_")[0]) not in popular.popular()


def test_a_deleted_photo_leaves_the_list_at_once():
    anna = a_person()
    media = liked(anna.upload(), 30_000_000)
    popular.make()
    anna.delete(f"/v1/media/{media}")

    assert media not in shown()


def test_what_was_popular_stays_a_candidate_whatever_comes_after(settings):
    settings.POPULAR_CANDIDATES = 1
    anna = a_person()
    media = liked(anna.upload(), 40_000_000)
    popular.make()
    for person in (a_person(), a_person(), a_person(), a_person()):
        person.upload()
    popular.make()

    assert media in shown()


def test_a_lost_cache_is_filled_from_main_and_a_lost_list_is_made_anew():
    anna = a_person()
    media = liked(anna.upload(), 50_000_000)
    popular.make()
    key = f"t:{popular.POPULAR_KIND}:{popular._ALL}"
    cache.client().delete(key)
    assert media in shown()

    PopularList.objects.all().delete()
    cache.client().delete(key)
    assert media in shown()
    assert PopularList.objects.count() == 1


def test_a_list_made_a_moment_ago_is_not_made_again():
    popular.make()
    before = PopularList.objects.get().computed_at
    popular.refresh()

    assert PopularList.objects.get().computed_at == before
