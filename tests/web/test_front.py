"""The front page: what is popular, for whom it may be shown."""

from django.test import Client

from feeds import popular
from sharding import counters, shard_of_object
from tests.support.applications import a_browser
from tests.support.people import a_person


def liked(media, likes=90_000):
    """Give a photo more likes than other tests' photos have: the number alone."""
    photo_id = int(media["id"].split("_")[0])
    counters.add(shard_of_object(photo_id), counters.PHOTO_LIKES, photo_id, likes)
    return media


def media_code(media):
    return media["link"].rstrip("/").split("/")[-1]


def test_the_front_page_shows_popular_photos_to_a_stranger_and_leads_to_them():
    anna = a_person()
    media = liked(anna.upload(caption="a harbour in fog"))
    popular.make()

    answer = Client().get("/")

    assert answer.status_code == 200
    assert f'href="/p/{media_code(media)}"' in answer.content.decode()
    assert b"a harbour in fog" in answer.content


def test_a_private_account_and_a_deleted_photo_are_not_on_the_front_page():
    anna, ben = a_person(), a_person()
    hidden, deleted = liked(anna.upload()), liked(ben.upload())
    popular.make()
    anna.post("/v1/accounts/self", is_private="1")
    ben.delete(f"/v1/media/{deleted['id']}")

    for browser in (Client(), a_browser(anna)):
        page = browser.get("/").content.decode()
        for media in (hidden, deleted):
            assert media_code(media) not in page


def test_an_address_that_is_nobody_s_gets_a_page_of_ours():
    answer = Client().get("/no/such/page")

    assert answer.status_code == 404
    assert b"There is no such page." in answer.content
