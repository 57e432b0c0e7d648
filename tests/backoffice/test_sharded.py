"""Photos, comments, likes and follows of all shards in one list each, newest first, found and paged; a photo's page."""

import itertools

import pytest
from django.conf import settings

from accounts.models import User
from backoffice.acts import Role
from backoffice.sharded import reading
from jobs.testing import run_until_idle
from photos.models import State
from sharding import physical_servers, shard_of
from sharding.ids import shortcode_of
from tests.support.people import a_person
from tests.support.staff import a_staff
from tests.support.store import photo_id, row_of, status


@pytest.fixture(scope="module")
def desk():
    return a_staff(Role.MODERATOR)


def on_both_servers():
    """Return a new person of each physical server."""
    people = {}
    while len(people) < len(physical_servers()):
        person = a_person()
        people.setdefault(shard_of(person.id).server.name, person)
    return list(people.values())


def ids_in(answer):
    assert answer.status_code == 200, answer.content[:300]
    return [row["id"] for row in answer.context["rows"]]


def test_the_newest_photos_of_all_servers_are_merged_and_paged_there_and_back(desk, monkeypatch):
    monkeypatch.setattr(reading.Span, "__init__", _small_pages(reading.Span.__init__))
    ann, ben = on_both_servers()
    made = [photo_id(person.upload()) for person in (ann, ben, ben, ann, ben, ann)][::-1]

    first = desk.get("photos/")
    second = desk.browser.get(first.context["older"])
    back = desk.browser.get(second.context["newer"])

    assert ids_in(first) + ids_in(second) == made[:4]
    assert ids_in(back) == ids_in(first)


def _small_pages(make):
    def small(self, *args, **facts):
        make(self, *args, **{"count": 2, **facts})

    return small


@pytest.mark.parametrize("by", ["id", "code", "link"])
def test_a_photo_is_found_by_id_code_and_link(desk, by):
    media = a_person().upload()
    number = photo_id(media)
    asked = {"id": str(number), "code": shortcode_of(number), "link": media["link"]}[by]

    assert ids_in(desk.get("photos/", photo=asked)) == [number]


def test_photos_are_found_by_person_server_shard_day_and_state(desk):
    anna = a_person()
    media = anna.upload()
    number, shard = photo_id(media), shard_of(anna.id)
    day = "2020-01-01"

    assert ids_in(desk.get("photos/", person=anna.username)) == [number]
    assert number in ids_in(desk.get("photos/", server=shard.server.name))
    other = next(server.name for server in physical_servers() if server != shard.server)
    assert number not in ids_in(desk.get("photos/", server=other))
    assert number in ids_in(desk.get("photos/", shard=shard.number))
    assert ids_in(desk.get("photos/", person=anna.username, until=day)) == []
    assert number not in ids_in(desk.get("photos/", state="held"))


def test_photos_of_a_person_or_a_shard_are_found_by_state(desk):
    anna = a_person()
    shown, gone = photo_id(anna.upload()), anna.upload()
    anna.delete(f"/v1/media/{gone['id']}")

    assert ids_in(desk.get("photos/", person=anna.username)) == [photo_id(gone), shown]
    assert ids_in(desk.get("photos/", person=anna.username, state="shown")) == [shown]
    assert photo_id(gone) in ids_in(desk.get("photos/", shard=shard_of(anna.id).number, state="deleted"))


@pytest.mark.parametrize(
    "asked",
    [
        {"state": "deleted"},
        {"state": "held", "server": "shard_a"},
        {"shard": settings.LOGICAL_SHARDS},
        {"person": "nobody.like.that"},
        {"photo": "!"},
        {"since": "then"},
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_400(desk, asked):
    assert desk.get("photos/", **asked).status_code == 400


def test_comments_likes_and_follows_are_listed_newest_first_and_by_photo_and_person(desk):
    anna, ben = on_both_servers()
    media = anna.upload()
    ben.follow(anna)
    ben.post(f"/v1/media/{media['id']}/likes")
    comment = ben.post(f"/v1/media/{media['id']}/comments", text="a fine picture")["data"]
    run_until_idle()

    assert ids_in(desk.get("comments/"))[0] == int(comment["id"])
    assert "a fine picture" in desk.get("comments/", photo=media["id"]).content.decode()
    assert ids_in(desk.get("comments/", person=ben.username)) == [int(comment["id"])]
    assert desk.get("likes/").context["rows"][0]["object_id"] == photo_id(media)
    for asked in ({"photo": media["id"]}, {"person": ben.username}):
        assert [row["actor_id"] for row in desk.get("likes/", **asked).context["rows"]] == [ben.id]
    assert desk.get("follows/").context["rows"][0]["object_id"] == anna.id
    assert [row["actor_id"] for row in desk.get("follows/", person=anna.username).context["rows"]] == [ben.id]


def test_the_page_of_a_photo_tells_where_it_is_whose_and_what_hangs_on_it(desk):
    anna, ben = a_person(), a_person()
    media = anna.upload(caption="by the sea #sea")
    ben.post(f"/v1/media/{media['id']}/likes")
    run_until_idle()
    number, shard = photo_id(media), shard_of(anna.id)

    page = desk.get(f"photos/{number}/").content.decode()

    for told in (anna.username, ben.username, "#sea", shortcode_of(number), shard.schema, shard.server.name, "sha256"):
        assert told in page
    assert page.count("_7.jpg") >= 2


def test_a_photo_of_a_private_account_is_shown_after_it_was_asked_for_and_noted(desk):
    anna, moderator = a_person(), a_staff(Role.MODERATOR)
    number = photo_id(anna.upload(lat="51.5237", lng="-0.1585"))
    User.objects.filter(pk=anna.id).update(is_private=True)

    page = moderator.get(f"photos/{number}/").content.decode()
    assert "_7.jpg" not in page.split("Files")[0]
    assert "51.5237" not in page
    shown = moderator.post(f"photos/{number}/private/").content.decode()

    assert "_7.jpg" in shown.split("Files")[0]
    assert "51.5237" in shown
    assert [entry.act for entry in moderator.acts()] == ["people.private_photos"]


def test_a_photo_is_taken_down_with_a_reason_and_listed_as_such(desk):
    anna = a_person()
    media = anna.upload()
    number = photo_id(media)
    moderator = a_staff(Role.MODERATOR)

    assert moderator.post(f"photos/{number}/take_down/", why="not ours").status_code == 302
    run_until_idle()

    assert row_of(media).state == State.HELD
    assert status(media["images"]["standard_resolution"]["url"]) == 404
    assert number in ids_in(desk.get("photos/", state="held"))
    assert [(entry.act, entry.target_id) for entry in moderator.acts()] == [("photos.take_down", str(number))]
    assert moderator.post(f"photos/{number}/take_down/", why="again").status_code == 409


def test_an_unknown_photo_is_a_page_that_says_so(desk):
    for number in (1, 10**17):
        assert desk.get(f"photos/{number}/").status_code == 404


def test_page_fifty_costs_as_many_queries_as_page_one(desk, django_assert_max_num_queries):
    anna = a_person()
    for _ in itertools.repeat(None, 3):
        anna.upload()
    run_until_idle()
    with django_assert_max_num_queries(12):
        desk.get("photos/")
    oldest = desk.get("photos/").context["rows"][-1]["id"]
    with django_assert_max_num_queries(12):
        desk.get("photos/", before=oldest)
