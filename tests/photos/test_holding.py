"""A photo or comment that staff takes down is out of everything at once, and comes back whole."""

import pytest
from django.test import Client

from accounts.models import User
from instagram.errors import NotFound
from jobs.testing import run_until_idle
from photos.services import comments, holding, privacy
from photos.services.erasing import erase_comments, erase_photos
from sharding import shard_of
from tests.support.people import a_person, refusal
from tests.support.store import objects_of, photo_id, status, stem_of


def feed_ids(person):
    return [each["id"] for each in person.get("/v1/users/self/feed")["data"]]


def tagged_ids(person, tag):
    return [each["id"] for each in person.get(f"/v1/tags/{tag}/media/recent")["data"]]


def shown(person, media):
    return person.get(f"/v1/media/{media['id']}")["data"]


@pytest.fixture
def photo():
    """Return anna, ben who follows her, and her photo that ben likes and comments on."""
    anna, ben = a_person(), a_person()
    ben.follow(anna)
    media = anna.upload(caption=f"fog #fog{anna.id}")
    ben.post(f"/v1/media/{media['id']}/likes")
    ben.post(f"/v1/media/{media['id']}/comments", text="so #grey")
    run_until_idle()
    return anna, ben, media


def test_a_held_photo_is_in_no_answer_and_its_address_opens_nothing(photo):
    anna, ben, media = photo
    address = media["images"]["standard_resolution"]["url"]
    assert status(address) == 200

    holding.hold_photo(photo_id(media))
    run_until_idle()

    for person in (anna, ben):
        answer = Client().get(f"/v1/media/{media['id']}", {"access_token": person.token})
        assert refusal(answer)[0] == "APINotFoundError"
        assert tagged_ids(person, f"fog{anna.id}") == []
    assert feed_ids(ben) == []
    assert anna.get(f"/v1/users/{anna.id}")["data"]["counts"]["media"] == 0
    assert [each["type"] for each in anna.get("/v1/users/self/activity")["data"]] == ["follow"]
    assert status(address) == 404
    assert len(objects_of(stem_of(media))) == 4


def test_a_photo_that_is_put_back_is_as_it_was(photo):
    anna, ben, media = photo
    before = shown(ben, media)
    news = [each["id"] for each in anna.get("/v1/users/self/activity")["data"]]
    assert len(news) == 3
    holding.hold_photo(photo_id(media))
    run_until_idle()

    holding.put_back(photo_id(media))
    run_until_idle()

    after = shown(ben, media)
    assert after["images"] != before["images"]  # under new names, which work
    assert status(after["images"]["standard_resolution"]["url"]) == 200
    assert {**after, "images": None} == {**before, "images": None}
    assert feed_ids(ben) == [media["id"]]
    assert tagged_ids(ben, f"fog{anna.id}") == [media["id"]]
    assert anna.get(f"/v1/users/{anna.id}")["data"]["counts"]["media"] == 1
    assert [each["id"] for each in anna.get("/v1/users/self/activity")["data"]] == news


def test_who_began_to_follow_while_a_photo_was_held_has_it_when_it_is_back(photo):
    anna, _, media = photo
    holding.hold_photo(photo_id(media))
    carl = a_person()
    carl.follow(anna)
    run_until_idle()
    assert feed_ids(carl) == []

    holding.put_back(photo_id(media))
    run_until_idle()

    assert feed_ids(carl) == [media["id"]]


def test_holding_and_putting_back_twice_counts_once(photo):
    anna, _, media = photo
    for _ in range(2):
        holding.hold_photo(photo_id(media))
    for _ in range(2):
        holding.put_back(photo_id(media))
    run_until_idle()

    assert anna.get(f"/v1/users/{anna.id}")["data"]["counts"]["media"] == 1


def test_a_photo_taken_down_while_it_was_on_its_way_reaches_all_when_it_is_put_back():
    anna, ben = a_person(), a_person()
    ben.follow(anna)
    run_until_idle()
    media = anna.upload()
    holding.hold_photo(photo_id(media))
    run_until_idle()

    holding.put_back(photo_id(media))
    run_until_idle()

    assert feed_ids(ben) == [media["id"]]


def test_a_photo_that_is_given_up_is_gone_with_its_files_and_cannot_come_back(photo):
    anna, _, media = photo
    holding.hold_photo(photo_id(media))
    run_until_idle()
    stem = stem_of(media)

    holding.give_up(photo_id(media))
    run_until_idle()

    assert objects_of(stem) == set()
    assert anna.get(f"/v1/users/{anna.id}")["data"]["counts"]["media"] == 0
    with pytest.raises(NotFound):
        holding.put_back(photo_id(media))


def test_a_photo_that_was_put_back_is_not_given_up(photo):
    _, ben, media = photo
    holding.hold_photo(photo_id(media))
    holding.put_back(photo_id(media))

    holding.give_up(photo_id(media))
    run_until_idle()

    assert shown(ben, media)["id"] == media["id"]


def test_files_of_a_photo_put_back_before_they_were_hidden_stay_where_they_are(photo):
    _, _, media = photo
    stem = stem_of(media)
    holding.hold_photo(photo_id(media))
    again = holding.hide_files(photo_id(media), moves=())
    holding.put_back(photo_id(media))

    assert holding.hide_files(photo_id(media), **again.changes) is None
    run_until_idle()

    assert stem_of(media) == stem
    assert objects_of(again.changes["moves"][0][2]) == set()
    assert len(objects_of(stem)) == 4


def test_files_hidden_once_more_after_the_photo_was_put_back_stay_where_they_are(photo):
    _, _, media = photo
    holding.hold_photo(photo_id(media))
    moves = holding.hide_files(photo_id(media), moves=()).changes
    holding.hide_files(photo_id(media), **moves)
    holding.put_back(photo_id(media))

    holding.hide_files(photo_id(media), **moves)  # a worker was killed before it could say that it was done

    assert stem_of(media) == moves["moves"][0][2]
    assert len(objects_of(stem_of(media))) == 4
    run_until_idle()
    assert len(objects_of(stem_of(media))) == 4


def test_a_photo_taken_down_between_two_runs_of_one_batch_of_moves_keeps_its_files(photo):
    anna, _, media = photo
    User.objects.filter(pk=anna.id).update(is_private=True)
    moves = privacy.rehome(anna.id, after=0, moves=()).changes
    privacy.rehome(anna.id, **moves)
    holding.hold_photo(photo_id(media))

    privacy.rehome(anna.id, **moves)

    assert len(objects_of(stem_of(media))) == 4
    run_until_idle()
    holding.put_back(photo_id(media))
    run_until_idle()
    assert len(objects_of(stem_of(media))) == 4


def test_a_held_comment_is_gone_from_page_and_number_and_comes_back(photo):
    _, ben, media = photo
    [comment] = ben.get(f"/v1/media/{media['id']}/comments")["data"]
    number = {"photo_id": photo_id(media), "comment_id": int(comment["id"])}

    comments.hold_comment(**number)
    run_until_idle()
    assert ben.get(f"/v1/media/{media['id']}/comments")["data"] == []
    assert shown(ben, media)["comments"]["count"] == 0

    comments.put_comment_back(**number)
    run_until_idle()
    assert ben.get(f"/v1/media/{media['id']}/comments")["data"] == [comment]
    assert shown(ben, media)["comments"]["count"] == 1


def test_erasing_a_person_erases_what_staff_holds_of_theirs(photo):
    anna, ben, media = photo
    [comment] = ben.get(f"/v1/media/{media['id']}/comments")["data"]
    comments.hold_comment(photo_id=photo_id(media), comment_id=int(comment["id"]))
    holding.hold_photo(photo_id(media))
    run_until_idle()
    stem = stem_of(media)

    assert erase_comments(ben.id, shard_number=shard_of(anna.id).number).erased == 1
    while erase_photos(anna.id).next is not None:
        run_until_idle()

    assert objects_of(stem) == set()
