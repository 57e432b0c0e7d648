"""One's own News: what others do appears once, what they undo is gone, whoever may not be shown is not."""

import itertools
import random
from unittest.mock import patch

import pytest
from django.test import Client

from accounts import visibility
from accounts.services import block_user, presence, suspend, unblock_user, unsuspend
from caching import cache
from feeds import popular
from jobs.testing import run_until_idle
from notifications.activity import keeping, noting, queries
from notifications.activity.models import Activity, Kind
from notifications.activity.services import Act, note
from photos.mentions import mentions_in
from photos.models import Like
from photos.services import comments
from sharding import ShardUnavailable, shard_of, shard_of_object
from tests.support.people import a_person, refusal
from tests.support.round_trips import counted
from tests.support.waiting import wait_until


def news_of(person, **params):
    run_until_idle()
    return person.get("/v1/users/self/activity", **params)["data"]


def kinds_of(person):
    return [entry["type"] for entry in news_of(person)]


def rows_of(person, **facts):
    return shard_of(person.id).model(Activity).objects.filter(user_id=person.id, **facts)


def photo_id_of(media):
    return int(media["id"].split("_")[0])


def test_likes_comments_and_follows_are_news_with_the_contracts_keys():
    anna, ben = a_person(), a_person(full_name="Ben")
    media = anna.upload()
    ben.post(f"/v1/media/{media['id']}/likes")
    comment = ben.post(f"/v1/media/{media['id']}/comments", text="lovely")["data"]
    ben.follow(anna)

    follow, commented, like = news_of(anna)

    assert like == {
        "id": like["id"],
        "type": "like",
        "created_time": like["created_time"],
        "seen": False,
        "from": comment["from"],
        "media": {"id": media["id"], "thumbnail": media["images"]["thumbnail"]},
        "comment": None,
        "user": None,
    }
    assert commented["comment"] == {"id": comment["id"], "text": "lovely"}
    assert commented["type"] == "comment"
    assert (follow["type"], follow["media"], follow["comment"], follow["user"]) == ("follow", None, None, None)
    assert news_of(ben) == []


def test_nobody_is_told_of_their_own_acts():
    anna = a_person()
    media = anna.upload(caption=f"me, @{anna.username}")
    anna.post(f"/v1/media/{media['id']}/likes")
    anna.post(f"/v1/media/{media['id']}/comments", text=f"@{anna.username} again")

    assert news_of(anna) == []


@pytest.mark.parametrize("undo", ["unlike", "uncomment", "unfollow", "delete the photo"])
def test_what_is_undone_is_gone(undo):
    anna, ben = a_person(), a_person()
    media = anna.upload()
    path = f"/v1/media/{media['id']}"
    ben.post(f"{path}/likes")
    comment = ben.post(f"{path}/comments", text="lovely")["data"]
    ben.follow(anna)
    assert len(news_of(anna)) == 3

    if undo == "unlike":
        ben.delete(f"{path}/likes")
    elif undo == "uncomment":
        anna.delete(f"{path}/comments/{comment['id']}")
    elif undo == "unfollow":
        ben.unfollow(anna)
    else:
        anna.delete(path)
    run_until_idle()

    expected = {
        "unlike": ["follow", "comment"],
        "uncomment": ["follow", "like"],
        "unfollow": ["comment", "like"],
        "delete the photo": ["follow"],
    }[undo]
    assert kinds_of(anna) == expected
    assert rows_of(anna, active=True).count() == len(expected)


def ids_in_news(person):
    return [entry["id"] for entry in news_of(person)]


@pytest.mark.parametrize("suspended", [False, True])
def test_a_comment_that_is_put_back_is_news_again_where_it_was(suspended):
    anna, ben, carl = a_person(), a_person(), a_person()
    media = anna.upload()
    comment = ben.post(f"/v1/media/{media['id']}/comments", text=f"look @{carl.username}")["data"]
    number = {"photo_id": photo_id_of(media), "comment_id": int(comment["id"])}
    before = [ids_in_news(person) for person in (anna, carl)]
    assert [len(each) for each in before] == [1, 1]
    if suspended:
        suspend(ben.id)

    comments.hold_comment(**number)
    assert [ids_in_news(person) for person in (anna, carl)] == [[], []]
    if suspended:
        unsuspend(ben.id)
    comments.put_comment_back(**number)

    assert [ids_in_news(person) for person in (anna, carl)] == before


def test_like_unlike_like_is_one_entry_where_it_first_was():
    anna, ben, carl = a_person(), a_person(), a_person()
    path = f"/v1/media/{anna.upload()['id']}/likes"
    ben.post(path)
    first = news_of(anna)[0]["id"]
    ben.delete(path)
    run_until_idle()
    carl.post(path)
    run_until_idle()
    ben.post(path)

    assert [entry["from"]["id"] for entry in news_of(anna)] == [str(carl.id), str(ben.id)]
    assert news_of(anna)[1]["id"] == first


def test_an_act_repeated_after_a_day_is_news_again(settings):
    settings.ACTIVITY_AGAIN_HOURS = 0
    anna, ben, carl = a_person(), a_person(), a_person()
    for person in (ben, carl):
        person.follow(anna)
        run_until_idle()
    ben.unfollow(anna)
    run_until_idle()
    ben.follow(anna)

    assert [entry["from"]["id"] for entry in news_of(anna)] == [str(ben.id), str(carl.id)]


def test_a_job_of_a_like_that_comes_late_or_twice_changes_nothing():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    photo_id = photo_id_of(media)
    ben.post(f"/v1/media/{media['id']}/likes")
    like = shard_of_object(photo_id).model(Like).objects.get(photo_id=photo_id, user_id=ben.id)
    ben.delete(f"/v1/media/{media['id']}/likes")
    run_until_idle()

    for _ in range(2):
        noting.note_like(photo_id, owner_id=anna.id, user_id=ben.id, version=like.id)

    assert news_of(anna) == []


def test_follow_jobs_in_any_order_say_what_the_edge_says():
    anna, ben = a_person(), a_person()
    said = []
    with patch.object(noting, "note_edge", lambda **facts: said.append(facts)):
        for step in range(4):
            (ben.unfollow if step % 2 else ben.follow)(anna)
        run_until_idle()
    assert len(said) == 4
    for order in itertools.permutations(said):
        for facts in (*order, random.choice(order)):
            noting.note_edge(**facts)
        assert kinds_of(anna) == []
    ben.follow(anna)

    assert kinds_of(anna) == ["follow"]


def test_a_request_leaves_when_it_is_approved_and_the_asker_is_told():
    anna, ben, carl = a_person(), a_person(), a_person()
    anna.post("/v1/accounts/self", is_private="1")
    ben.follow(anna)
    carl.follow(anna)
    assert kinds_of(anna) == ["follow_request", "follow_request"]

    anna.post(f"/v1/users/{ben.id}/relationship", action="approve")
    anna.post(f"/v1/users/{carl.id}/relationship", action="ignore")

    assert kinds_of(anna) == []
    assert kinds_of(carl) == []
    (accepted,) = news_of(ben)
    assert (accepted["type"], accepted["from"]["id"]) == ("request_accepted", str(anna.id))
    ben.unfollow(anna)
    assert kinds_of(ben) == []


def test_mentions_reach_whom_they_name_once_and_who_may_see_the_photo():
    anna, ben, carl, stranger = (a_person() for _ in range(4))
    anna.post("/v1/accounts/self", is_private="1")
    for person in (ben, carl):
        person.follow(anna)
        anna.post(f"/v1/users/{person.id}/relationship", action="approve")
    run_until_idle()
    everybody = f"@{ben.username.upper()}, @{stranger.username}. @{anna.username} @nobody-at-all x@{carl.username}"
    media = anna.upload(caption=f"with {everybody}")
    comment = carl.post(f"/v1/media/{media['id']}/comments", text=everybody)["data"]

    in_comment, in_caption, *_ = news_of(ben)
    assert [each["type"] for each in (in_comment, in_caption)] == ["mention", "mention"]
    assert in_comment["comment"] == {"id": comment["id"], "text": everybody}
    assert in_caption["comment"] == {"id": media["caption"]["id"], "text": f"with {everybody}"}
    assert in_caption["media"]["id"] == media["id"]
    assert news_of(stranger) == []
    assert kinds_of(carl) == ["request_accepted"]
    # The owner is told of the comment alone, although it names her.
    assert kinds_of(anna).count("comment") == 1
    assert "mention" not in kinds_of(anna)

    carl.delete(f"/v1/media/{media['id']}/comments/{comment['id']}")
    anna.delete(f"/v1/media/{media['id']}")
    assert kinds_of(ben) == ["request_accepted"]
    assert rows_of(ben, kind="mention", active=True).count() == 0


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@Anna and @ben.b!", ["anna", "ben.b"]),
        ("mail anna@example.com, see @@no, (@yes)", ["yes"]),
        ("thanks @anna.", ["anna."]),
        ("@" + "x" * 31, []),
        ("@... @", []),
        (" ".join(f"@p{number}" for number in range(30)), [f"p{number}" for number in range(20)]),
    ],
)
def test_a_mention_is_a_name_after_an_at_sign(text, names):
    assert mentions_in(text) == names


def test_a_dot_after_a_name_may_end_the_sentence():
    anna, ben = a_person(), a_person()
    anna.upload(caption=f"thanks @{ben.username}.")

    assert kinds_of(ben) == ["mention"]


@pytest.mark.parametrize("who", ["the reader blocked", "the actor blocked", "the actor left"])
def test_people_who_are_blocked_blocking_or_away_are_not_in_the_news(who):
    anna, ben = a_person(), a_person()
    ben.post(f"/v1/media/{anna.upload()['id']}/likes")
    (entry,) = news_of(anna)
    if who == "the reader blocked":
        block_user(owner_id=anna.id, other_id=ben.id)
    elif who == "the actor blocked":
        block_user(owner_id=ben.id, other_id=anna.id)
    else:
        presence.deactivate(ben.id)
    run_until_idle()

    assert news_of(anna) == []
    assert anna.get("/v1/users/self/activity/unseen")["data"] == {"count": 0}
    assert queries.news_with_ids(anna.id, [int(entry["id"])]) == []


def test_somebody_blocked_makes_no_entry_even_by_a_late_job():
    anna, ben = a_person(), a_person()
    block_user(owner_id=anna.id, other_id=ben.id)
    note(anna.id, Act(Kind.FOLLOW, ben.id), version=1)
    unblock_user(owner_id=anna.id, other_id=ben.id)

    assert news_of(anna) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_nobody_is_told_of_a_mention_at_a_photo_of_somebody_they_blocked(when):
    anna, ben, carl = a_person(), a_person(), a_person()
    media = anna.upload()
    if when == "before":
        block_user(owner_id=ben.id, other_id=anna.id)
    carl.post(f"/v1/media/{media['id']}/comments", text=f"look @{ben.username}")
    if when == "after":
        assert kinds_of(ben) == ["mention"]
        block_user(owner_id=ben.id, other_id=anna.id)

    assert news_of(ben) == []
    assert rows_of(ben).count() == (when == "after")
    assert ben.get("/v1/users/self/activity/unseen")["data"] == {"count": 0}


@pytest.mark.parametrize("who", ["the mentioned blocked", "the actor blocked", "the owner blocked"])
def test_a_mention_does_not_reach_across_a_block(who):
    anna, ben, carl = a_person(), a_person(), a_person()
    blocks = {
        "the mentioned blocked": (ben, carl),
        "the actor blocked": (carl, ben),
        "the owner blocked": (anna, ben),
    }
    owner, other = blocks[who]
    block_user(owner_id=owner.id, other_id=other.id)
    media = anna.upload()
    carl.post(f"/v1/media/{media['id']}/comments", text=f"look @{ben.username}")

    assert news_of(ben) == []
    assert rows_of(ben).count() == 0


def test_a_mention_at_a_private_photo_tells_nobody_who_does_not_follow_nor_shows_after_an_unfollow():
    anna, ben, carl, stranger = (a_person() for _ in range(4))
    anna.post("/v1/accounts/self", is_private="1")
    for person in (ben, carl):
        person.follow(anna)
        anna.post(f"/v1/users/{person.id}/relationship", action="approve")
    media = anna.upload()
    carl.post(f"/v1/media/{media['id']}/comments", text=f"@{ben.username} @{stranger.username}")
    assert (kinds_of(ben)[0], rows_of(stranger).count()) == ("mention", 0)

    ben.unfollow(anna)

    assert news_of(ben) == []


def test_a_mention_waits_for_a_server_that_does_not_say_whether_it_may_be_told():
    anna, ben, carl = a_person(), a_person(), a_person()
    media = anna.upload()
    run_until_idle()
    comment = carl.post(f"/v1/media/{media['id']}/comments", text=f"look @{ben.username}")["data"]
    facts = {"comment_id": int(comment["id"]), "owner_id": anna.id, "author_id": carl.id}

    with patch.object(visibility, "standings", lambda *_: {}), pytest.raises(ShardUnavailable):
        noting.note_comment(photo_id_of(media), **facts)
    assert rows_of(ben).count() == 0
    assert kinds_of(ben) == ["mention"]


def test_a_photo_is_popular_once_and_from_enough_likes_on(settings):
    settings.ACTIVITY_POPULAR_LIKES = 2
    anna, ben, carl = a_person(), a_person(), a_person()
    media, lonely = anna.upload(), anna.upload()
    photos = {photo_id_of(each): anna.id for each in (media, lonely)}
    ben.post(f"/v1/media/{media['id']}/likes")
    noting.note_popular(photos, likes=2)
    assert kinds_of(anna) == ["like"]
    carl.post(f"/v1/media/{media['id']}/likes")
    run_until_idle()
    for _ in range(2):
        with patch.object(popular, "ranked", lambda: photos):
            popular.make()
        run_until_idle()

    entry, *likes = news_of(anna)
    assert (entry["type"], entry["media"]["id"], entry["from"]["id"]) == ("popular", media["id"], str(anna.id))
    assert [each["type"] for each in likes] == ["like", "like"]


def test_unseen_is_counted_until_it_is_seen():
    anna, ben = a_person(), a_person()
    media = [anna.upload()["id"] for _ in range(3)]
    for each in media:
        ben.post(f"/v1/media/{each}/likes")
    newest, middle, _ = news_of(anna)
    assert anna.get("/v1/users/self/activity/unseen")["data"] == {"count": 3}

    assert anna.post("/v1/users/self/activity/seen", max_id=middle["id"])["data"] is None
    assert [entry["seen"] for entry in news_of(anna)] == [False, True, True]
    assert anna.get("/v1/users/self/activity/unseen")["data"] == {"count": 1}

    # Never back, and a made-up id hides nothing that is yet to come.
    anna.post("/v1/users/self/activity/seen", max_id="1")
    anna.post("/v1/users/self/activity/seen", max_id=str(2**62))
    assert anna.get("/v1/users/self/activity/unseen")["data"] == {"count": 0}
    ben.follow(anna)
    run_until_idle()
    assert anna.get("/v1/users/self/activity/unseen")["data"] == {"count": 1}
    anna.post("/v1/users/self/activity/seen")
    assert anna.get("/v1/users/self/activity/unseen")["data"] == {"count": 0}
    assert int(newest["id"]) > int(middle["id"])


@pytest.fixture(scope="module")
def busy():
    with patch.object(cache, "TOMBSTONE_S", 1):
        anna, others = a_person(), [a_person() for _ in range(6)]
        media = anna.upload()["id"]
        for person in others:
            person.follow(anna)
            person.post(f"/v1/media/{media}/likes")
            person.post(f"/v1/media/{media}/comments", text=f"hello @{anna.username}")
        run_until_idle()
    return anna


def test_paging_by_next_url_shows_everything_once_newest_first(busy):
    seen, answer = [], busy.get("/v1/users/self/activity.json", count=5)
    for _ in range(10):
        seen += [int(entry["id"]) for entry in answer["data"]]
        if not answer["pagination"]:
            break
        answer = Client().get(answer["pagination"]["next_url"].replace("http://testserver", "")).json()

    assert len(seen) == 18
    assert seen == sorted(set(seen), reverse=True)


def test_a_warm_page_makes_the_same_round_trips_whatever_its_length(busy):
    def made(count):
        with counted() as requests:
            assert len(busy.get("/v1/users/self/activity", count=count)["data"]) == count
        return requests

    wait_until(lambda: made(18)["memcached store"] == 0, what="the page is warm")
    # The entries, and the comments' texts from the one server they are on.
    assert made(3)["sql"] <= made(18)["sql"] <= 2
    assert made(18)["memcached"] <= 2 * 7


def test_a_bad_cursor_is_refused(busy):
    response = Client().get("/v1/users/self/activity", {"access_token": busy.token, "max_id": "soon"})

    assert refusal(response) == ("APIInvalidParametersError", "max_id: not a cursor of this list")


def test_trimming_keeps_the_newest_and_what_is_young(settings):
    settings.ACTIVITY_LENGTH = 2
    anna, people = a_person(), [a_person() for _ in range(4)]
    for person in people:
        person.follow(anna)
        run_until_idle()
    keeping.trim(shard_of(anna.id).number)
    assert [entry["from"]["id"] for entry in news_of(anna)] == [str(people[3].id), str(people[2].id)]

    rows_of(anna, actor_id=people[3].id).update(id=1)
    keeping.trim(shard_of(anna.id).number)
    assert [entry["from"]["id"] for entry in news_of(anna)] == [str(people[2].id)]
