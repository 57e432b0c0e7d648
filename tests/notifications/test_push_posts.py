"""Ringing for posts: bells, those who want everybody's, once a minute, and nobody who may not look."""

from collections.abc import Iterator

import pytest
from django.test import Client, override_settings

from caching import cache
from jobs.testing import run_until_idle
from notifications.push import bells, marks, posts, preferences
from notifications.push.tasks import push_post
from sharding import by_server
from stack.apns.rules import Verdict
from tests.support.apns import PushService, a_device, a_push_service
from tests.support.people import Person, a_person, refusal
from tests.support.round_trips import counted


@pytest.fixture
def service() -> Iterator[PushService]:
    with a_push_service() as service:
        yield service


@pytest.fixture
def author() -> Person:
    return a_person()


def a_follower(author: Person, *, bell: bool = True, **settings: str) -> tuple[Person, str]:
    """Sign up somebody who follows the author; return them and their phone."""
    person = a_person()
    person.follow(author)
    if bell:
        person.post(f"/v1/users/{author.id}/bell")
    if settings:
        person.post("/v1/users/self/settings/push", **settings)
    return person, a_device(person)


def post(author: Person, **facts: str) -> str:
    media_id = author.upload(**facts)["id"]
    run_until_idle()
    return media_id


def photo_of(media_id: str) -> int:
    return int(media_id.partition("_")[0])


def test_a_post_rings_whoever_has_the_bell_on(service, author):
    _, phone = a_follower(author)
    _, silent = a_follower(author, bell=False)

    media_id = post(author, caption="fog\nover the harbour")

    (record,) = service.taken(phone)
    assert record["payload"] == {
        "aps": {"alert": f"{author.username} posted a photo: fog over the harbour", "sound": "default"},
        "ig": {"type": "post", "media_id": media_id},
    }
    assert service.taken(silent) == []


def test_a_post_without_a_caption_says_so_much(service, author):
    _, phone = a_follower(author)
    post(author)

    assert service.alerts(phone) == [f"{author.username} posted a photo"]


@pytest.mark.parametrize(("setting", "bell", "rings"), [
    ("off", True, False), ("off", False, False), ("chosen", True, True), ("chosen", False, False),
    ("following", True, True), ("following", False, True),
])  # fmt: skip
def test_whose_posts_ring_is_a_setting(service, author, setting, bell, rings):
    _, phone = a_follower(author, bell=bell, posts=setting)
    post(author)

    assert len(service.taken(phone)) == rings


def test_all_phones_of_a_person_ring(service, author):
    person, phone = a_follower(author)
    other = a_device(person)
    post(author)

    assert [len(service.taken(each)) for each in (phone, other)] == [1, 1]


@pytest.mark.parametrize("ending", ["unfollows", "is blocked", "blocks", "turns it off"])
def test_a_bell_ends_with_the_follow_and_a_new_follow_does_not_bring_it_back(service, author, ending):
    person, phone = a_follower(author)
    if ending == "unfollows":
        person.unfollow(author)
    elif ending == "is blocked":
        author.post(f"/v1/users/{person.id}/relationship", action="block")
        run_until_idle()
        author.post(f"/v1/users/{person.id}/relationship", action="unblock")
    elif ending == "blocks":
        person.post(f"/v1/users/{author.id}/relationship", action="block")
        run_until_idle()
        person.post(f"/v1/users/{author.id}/relationship", action="unblock")
    else:
        person.delete(f"/v1/users/{author.id}/bell")
    post(author)
    person.follow(author)
    post(author)

    assert service.taken(phone) == []


def test_only_whom_one_follows_has_a_bell(author):
    stranger = a_person()
    answer = Client().post(f"/v1/users/{author.id}/bell", {"access_token": stranger.token})
    assert refusal(answer) == ("APINotAllowedError", "you do not follow this user")

    author.post("/v1/accounts/self", is_private="1")
    stranger.follow(author)  # asks
    answer = Client().post(f"/v1/users/{author.id}/bell", {"access_token": stranger.token})
    assert refusal(answer) == ("APINotAllowedError", "you do not follow this user")


def test_a_bell_on_oneself_or_on_nobody_is_refused(author):
    for who, expected in (("self", "APIInvalidParametersError"), ("999999999", "APINotFoundError")):
        answer = Client().post(f"/v1/users/{who}/bell", {"access_token": author.token})
        assert refusal(answer)[0] == expected


def test_a_private_author_rings_their_approved_followers(service, author):
    author.post("/v1/accounts/self", is_private="1")
    person = a_person()
    phone = a_device(person)
    person.follow(author)
    author.post(f"/v1/users/{person.id}/relationship", action="approve")
    person.post(f"/v1/users/{author.id}/bell")
    post(author)

    assert service.alerts(phone)[1:] == [f"{author.username} posted a photo"]


def test_a_photo_deleted_at_once_rings_nobody(service, author):
    _, phone = a_follower(author)
    media_id = author.upload()["id"]
    author.delete(f"/v1/media/{media_id}")
    run_until_idle()

    assert service.taken(phone) == []


def test_one_author_rings_a_phone_once_a_minute(service, author):
    _, phone = a_follower(author)
    post(author)
    post(author)
    assert len(service.taken(phone)) == 1

    with override_settings(PUSH_POST_EVERY_S=0.0):
        post(author)
    assert len(service.taken(phone)) == 2


def test_a_repeated_or_late_job_rings_nobody_again(service, author):
    _, phone = a_follower(author)
    with override_settings(PUSH_POST_EVERY_S=0.0):
        first, second = post(author), post(author)
        for media_id in (first, second, first):
            push_post(photo_id=photo_of(media_id), author_id=author.id)

    assert len(service.taken(phone)) == 2


def test_every_batch_of_a_chain_is_rung(service, author):
    with_bells = [a_follower(author)[1] for _ in range(5)]
    everybody = [a_follower(author, bell=False, posts="following")[1] for _ in range(4)]
    with override_settings(PUSH_BATCH=2, FAN_OUT_BATCH=3):
        post(author)

    assert sorted(each["token"] for each in service.taken()) == sorted(with_bells + everybody)


def test_who_was_not_taken_is_tried_again_and_nobody_else(service, author):
    phones = [a_follower(author)[1] for _ in range(3)]
    service.steering.answer(Verdict(503, "ServiceUnavailable"), token=phones[1])
    post(author)

    assert [len(service.taken(each)) for each in phones] == [1, 1, 1]


def test_of_two_phones_the_one_that_has_it_is_not_rung_again(service, author):
    person, one = a_follower(author)
    two = a_device(person)
    service.steering.answer(Verdict(429, "TooManyRequests"), token=two)
    post(author)

    assert [len(service.taken(each)) for each in (one, two)] == [1, 1]


def test_people_another_worker_is_ringing_are_left_to_it_unless_it_died(service, author):
    person, phone = a_follower(author)
    with override_settings(APNS_KEY_FILE=""):
        media_id = post(author)
    photo_id = photo_of(media_id)
    ((server, ids),) = by_server([person.id]).items()
    assert marks.claim_posts(server, author_id=author.id, photo_id=photo_id, user_ids=ids) == ([person.id], [])

    again = push_post(photo_id=photo_id, author_id=author.id)
    assert again is not None
    assert again.delay_s >= marks.CLAIM_S
    assert service.records == []
    with server.cursor() as cursor:  # as if CLAIM_S had passed
        cursor.execute("UPDATE local.push_post SET claimed_until = now() - interval '1 s' WHERE user_id = %s", ids)
    push_post(photo_id=photo_id, author_id=author.id)
    assert len(service.taken(phone)) == 1


def test_an_author_without_bells_costs_two_queries(service, author, settings):
    a_follower(author, bell=False)
    # Whether anybody wants everybody's posts is cached; a test that changed it keeps it from the cache for seconds.
    cache.client().delete(f"{settings.CACHE_PREFIX}{preferences._ANYBODY_KIND}:{preferences._ANYBODY}")
    photo_id = photo_of(post(author))
    queries = []
    for _ in range(4):  # the first fills the caches; on a busy machine one may be late
        with counted() as asked:
            posts.ring_for(photo_id, author.id)
        queries.append(asked["sql"])

    # Is it published, whose bell is on; nobody's phones are looked at.
    assert min(queries) == 2


def test_a_bell_turned_on_twice_is_one_and_can_be_seen(author):
    person, _ = a_follower(author)
    person.post(f"/v1/users/{author.id}/bell")

    assert bells.is_on(follower_id=person.id, author_id=author.id)
    assert bells.ringing(author.id, after=-1, limit=10) == [person.id]


def test_who_was_rung_for_a_post_that_was_deleted_is_not_rung_again_at_once(service, author):
    _, phone = a_follower(author)
    author.delete(f"/v1/media/{post(author)}")
    run_until_idle()

    post(author)
    assert len(service.taken(phone)) == 1
    with override_settings(PUSH_POST_EVERY_S=-1.0):
        post(author)
    assert len(service.taken(phone)) == 2
