"""The Following stream: what those did whom one follows, as far as one may see it."""

import random
from unittest.mock import patch

import pytest
from django.conf import settings as django_settings
from django.test import Client

from accounts.services import block_user, presence
from caching import cache
from jobs.testing import run_until_idle
from notifications.activity import following, noting
from sharding import ShardUnavailable, by_server, physical_servers, shard_of
from tests.support.people import a_person
from tests.support.round_trips import counted
from tests.support.waiting import wait_until

real_like, real_edge = noting.note_like, noting.note_edge


def stream_of(person, **params):
    run_until_idle()
    return person.get("/v1/users/self/activity/following", **params)["data"]


def acts_in(stream):
    return [(act["type"], act["from"]["id"]) for act in stream]


def deeds_of(person):
    with shard_of(person.id).cursor() as cursor:
        cursor.execute("SELECT kind, object_id FROM local.deed WHERE actor_id = %s ORDER BY id", [person.id])
        return cursor.fetchall()


def go_private(person):
    person.post("/v1/accounts/self", is_private="1")


@pytest.fixture
def scene():
    """Anna reads; Ben, whom she follows, likes, comments at and follows Carl."""
    anna, ben, carl = a_person(), a_person(), a_person()
    anna.follow(ben)
    media = carl.upload()
    ben.post(f"/v1/media/{media['id']}/likes")
    comment = ben.post(f"/v1/media/{media['id']}/comments", text="lovely")["data"]
    ben.follow(carl)
    return anna, ben, carl, media, comment


def test_it_tells_what_the_followed_liked_commented_and_whom_they_followed(scene):
    anna, ben, carl, media, comment = scene

    follow, commented, like = stream_of(anna)

    assert acts_in([like, commented, follow]) == [(each, str(ben.id)) for each in ("like", "comment", "follow")]
    assert like["media"] == {"id": media["id"], "thumbnail": media["images"]["thumbnail"]}
    assert like["comment"] is like["user"] is None
    assert commented["comment"] == {"id": comment["id"], "text": "lovely"}
    assert commented["media"]["id"] == media["id"]
    assert (follow["user"]["id"], follow["media"], follow["seen"]) == (str(carl.id), None, True)
    assert stream_of(carl) == []


def test_what_is_undone_is_gone(scene):
    anna, ben, carl, media, comment = scene
    ben.delete(f"/v1/media/{media['id']}/likes")
    ben.delete(f"/v1/media/{media['id']}/comments/{comment['id']}")
    ben.unfollow(carl)

    assert stream_of(anna) == []
    assert deeds_of(ben) == []


def test_a_comments_job_that_comes_after_its_end_leaves_nothing(scene):
    _, ben, carl, media, comment = scene
    ben.delete(f"/v1/media/{media['id']}/comments/{comment['id']}")
    run_until_idle()
    facts = {"comment_id": int(comment["id"]), "owner_id": carl.id, "author_id": ben.id}
    noting.note_comment(int(media["id"].split("_")[0]), **facts)

    assert "comment" not in dict(deeds_of(ben))


@pytest.mark.parametrize("how", ["unfollowed", "actor private", "target private", "target blocked", "blocked", "away"])
def test_it_shows_nothing_of_accounts_the_reader_may_not_see(scene, how):
    anna, ben, carl, *_ = scene
    if how == "unfollowed":
        anna.unfollow(ben)
    elif how == "actor private":
        go_private(ben)  # a follower of before sees on
        assert len(stream_of(anna)) == 3
        ben.post(f"/v1/users/{anna.id}/relationship", action="block")
        ben.post(f"/v1/users/{anna.id}/relationship", action="unblock")
        anna.follow(ben)  # asks
    elif how == "target private":
        go_private(carl)
    elif how == "target blocked":
        block_user(owner_id=anna.id, other_id=carl.id)
    elif how == "blocked":
        block_user(owner_id=carl.id, other_id=anna.id)
    else:
        presence.deactivate(carl.id)

    assert stream_of(anna) == []


def test_what_concerns_the_reader_is_in_their_news_instead(scene):
    anna, ben, *_ = scene
    ben.follow(anna)
    ben.post(f"/v1/media/{anna.upload()['id']}/likes")

    assert len(stream_of(anna)) == 3


def test_jobs_of_likes_and_follows_in_any_order_leave_the_last_deed_alone(scene):
    _, ben, carl, media, _ = scene
    photo_id = int(media["id"].split("_")[0])
    run_until_idle()
    said = []
    with (
        patch.object(noting, "note_edge", lambda **facts: said.append((real_edge, (), facts))),
        patch.object(noting, "note_like", lambda *args, **facts: said.append((real_like, args, facts))),
    ):
        for _ in range(2):
            ben.delete(f"/v1/media/{media['id']}/likes")
            ben.unfollow(carl)
            ben.post(f"/v1/media/{media['id']}/likes")
            ben.follow(carl)
        run_until_idle()
    assert len(said) == 8
    for _ in range(5):
        for verb, args, facts in random.sample(said, len(said)):
            verb(*args, **facts)
        assert deeds_of(ben)[1:] == [("like", photo_id), ("follow", carl.id)]


def test_a_server_that_is_away_leaves_out_its_own_people():
    anna, target = a_person(), a_person()
    everybody = [a_person() for _ in range(django_settings.LOGICAL_SHARDS)]  # ids in a row: some on every server
    friends = [ids[0] for ids in by_server(person.id for person in everybody).values()]
    friends = [person for person in everybody if person.id in friends]
    for friend in friends:
        anna.follow(friend)
        friend.follow(target)
    run_until_idle()
    gone = next(server for server in physical_servers() if server != shard_of(anna.id).server)
    real = following.gather

    def without(work, ask):
        def answer(server, its_work):
            if server == gone:
                raise ShardUnavailable(server.name)
            return ask(server, its_work)

        return real(work, answer)

    with patch.object(following, "gather", without):
        found = acts_in(stream_of(anna))

    assert len(friends) == len(django_settings.SHARD_SERVERS)
    assert found == [("follow", str(friend.id)) for friend in friends[::-1] if shard_of(friend.id).server != gone]


@pytest.fixture(scope="module")
def busy():
    with patch.object(cache, "TOMBSTONE_S", 1):
        anna, friends, target = a_person(), [a_person() for _ in range(5)], a_person()
        media = target.upload()["id"]
        for friend in friends:
            anna.follow(friend)
            friend.post(f"/v1/media/{media}/likes")
            friend.post(f"/v1/media/{media}/comments", text="hello")
            friend.follow(target)
        run_until_idle()
    return anna


def test_paging_by_next_url_shows_everything_once_newest_first(busy):
    seen, answer = [], busy.get("/v1/users/self/activity/following", count=4)
    for _ in range(10):
        seen += [int(act["id"]) for act in answer["data"]]
        if not answer["pagination"]:
            break
        answer = Client().get(answer["pagination"]["next_url"].replace("http://testserver", "")).json()

    assert len(seen) == 15
    assert seen == sorted(set(seen), reverse=True)


def test_a_warm_page_makes_the_same_round_trips_whatever_its_length(busy):
    def made(count):
        with counted() as requests:
            assert len(busy.get("/v1/users/self/activity/following", count=count)["data"]) == count
        return requests

    wait_until(lambda: made(15)["memcached store"] == 0, what="the page is warm")
    # Whom one follows, whom one blocked; on each server the acts and the comments' texts.
    assert made(4)["sql"] <= made(15)["sql"] <= 2 + 2 * len(django_settings.SHARD_SERVERS)
    assert made(15)["memcached"] <= 2 * 7
