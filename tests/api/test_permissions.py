"""Every reading endpoint crossed with every relation to a public, a private, a deactivated account (contract, 14)."""

from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from django.test import Client

from accounts.services import presence
from feeds import popular
from jobs.testing import run_until_idle
from sharding.ids import shortcode_of
from tests.support.people import Person, a_person, our_client

ACCOUNTS = ("public", "private", "deactivated")
RELATIONS = ("owner", "follower", "stranger", "requested", "blocked", "blocking", "client")
#: The answer to who may not see the thing: (HTTP status, error type).
REFUSED, GONE = "APINotAllowedError", "APINotFoundError"

_places = count()


@dataclass
class World:
    """An account of one kind, everything of its owner's, and a viewer for each relation."""

    owner: Person
    viewers: dict[str, Person | None]
    media_id: str
    code: str
    tag: str
    location_id: str
    position: tuple[float, float]
    #: A public bystander's photo that the owner likes and comments on; both follow each other.
    other: Person
    other_media_id: str

    def sees(self, account: str, relation: str) -> bool:
        """The rule: who may see the account's photos."""
        if account == "deactivated" or relation == "blocked":
            return False
        return account == "public" or relation in {"owner", "follower"}


def _world(account: str) -> World:
    number = next(_places)
    owner, other = a_person(full_name=f"Owner{number}"), a_person()
    viewers: dict[str, Person | None] = {relation: a_person() for relation in RELATIONS if relation != "owner"}
    viewers |= {"owner": owner, "client": None}
    follower, blocked, blocking = viewers["follower"], viewers["blocked"], viewers["blocking"]
    assert follower and blocked and blocking
    latitude, longitude = -40.0 - number, -100.0 - number * 7
    location = owner.post("/v1/locations", name=f"Pier {owner.id}", lat=latitude, lng=longitude)["data"]
    tag = f"tag{owner.id}"
    everybody = " ".join(f"@{person.username}" for person in viewers.values() if person)
    media = owner.upload(caption=f"#{tag} {everybody}", location_id=location["id"])["id"]
    other_media = other.upload()["id"]
    owner.post(f"/v1/media/{other_media}/likes")
    owner.post(f"/v1/media/{other_media}/comments", text="lovely")
    other.follow(owner)
    owner.follow(other)
    for person in viewers.values():
        if person not in (None, owner):
            person.follow(other)
    follower.follow(owner)
    # A like brings it into Popular.
    other.post(f"/v1/media/{media}/likes")
    if account == "private":
        owner.post("/v1/accounts/self", is_private="1")
        requested = viewers["requested"]
        assert requested
        requested.follow(owner)
    owner.post(f"/v1/users/{blocked.id}/relationship", action="block")
    blocking.post(f"/v1/users/{owner.id}/relationship", action="block")
    if account == "deactivated":
        presence.deactivate(owner.id)
    run_until_idle()
    popular.make()
    code = shortcode_of(int(media.split("_")[0]))
    return World(owner, viewers, media, code, tag, location["id"], (latitude, longitude), other, other_media)


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    return {account: _world(account) for account in ACCOUNTS}


CASES = [
    pytest.param(account, relation, id=f"{account}-{relation}")
    for account in ACCOUNTS
    for relation in RELATIONS
    # Somebody who is away has no token; a request stands at a private account alone.
    if not (account == "deactivated" and relation == "owner")
]


def ask(world: World, relation: str, path: str, **params: Any) -> Any:
    person = world.viewers[relation]
    credential = {"access_token": person.token} if person else {"client_id": our_client().client_id}
    return Client().get(path, params | credential)


#: Path of a thing of the owner's -> what kind of thing it is.
SINGLE = {
    "/v1/users/{owner}": "user",
    "/v1/users/{owner}/media/recent": "user",
    "/v1/users/{owner}/follows": "user",
    "/v1/users/{owner}/followed-by": "user",
    "/v1/media/{media}": "media",
    "/v1/media/shortcode/{code}": "media",
    "/v1/media/{media}/comments": "media",
    "/v1/media/{media}/likes": "media",
}


@pytest.mark.parametrize("path", SINGLE)
@pytest.mark.parametrize(("account", "relation"), CASES)
def test_a_thing_is_shown_or_refused(worlds, account, relation, path):
    world = worlds[account]

    answer = ask(world, relation, path.format(owner=world.owner.id, media=world.media_id, code=world.code))

    if world.sees(account, relation):
        assert answer.status_code == 200
        return
    words = {"user": "this user does not exist", "media": "invalid media id"}[SINGLE[path]]
    expected = (GONE, words) if account == "deactivated" else (REFUSED, "you cannot view this resource")
    meta = answer.json()["meta"]
    assert (answer.status_code, meta["error_type"], meta["error_message"]) == (400, *expected)
    assert world.owner.username not in answer.content.decode()


@pytest.mark.parametrize(("account", "relation"), CASES)
def test_a_receipt_is_its_authors_alone(worlds, account, relation):
    world = worlds[account]
    if relation == "client":
        pytest.skip("a receipt is for a person")

    answer = ask(world, relation, f"/v1/media/{world.media_id}/receipt")

    if relation == "owner":
        assert answer.json()["data"]["media_id"] == world.media_id
        return
    meta = answer.json()["meta"]
    expected = (GONE, "invalid media id") if account == "deactivated" else (REFUSED, "you cannot view this resource")
    assert (answer.status_code, meta["error_type"], meta["error_message"]) == (400, *expected)


@pytest.mark.parametrize("verb", ["post_like", "post_comment"])
@pytest.mark.parametrize(("account", "relation"), CASES)
def test_only_who_sees_a_photo_may_write_on_it(worlds, account, relation, verb):
    world = worlds[account]
    person = world.viewers[relation]
    if person is None:
        pytest.skip("an application alone writes nothing: the table of errors holds that")
    path = f"/v1/media/{world.media_id}/" + ("likes" if verb == "post_like" else "comments")

    answer = Client().post(path, {"access_token": person.token, "text": "nice"})

    assert (answer.status_code == 200) == world.sees(account, relation)


@pytest.mark.parametrize(("account", "relation"), CASES)
def test_a_photo_is_shared_elsewhere_by_its_owner_and_if_it_is_public_by_who_sees_it(worlds, account, relation):
    world = worlds[account]
    person = world.viewers[relation]
    if person is None:
        pytest.skip("an application alone writes nothing: the table of errors holds that")
    path = f"/v1/media/{world.media_id}/share"

    shared = Client().post(path, {"access_token": person.token, "share_to": "twitter"})
    shares = Client().get(f"{path}s", {"access_token": person.token})

    may = world.sees(account, relation) and (account == "public" or relation == "owner")
    assert (shared.status_code == 200) == may
    assert (shares.status_code == 200) == world.sees(account, relation)


@pytest.mark.parametrize("path", [
    "/v1/users/self/feed", "/v1/tags/{tag}/media/recent", "/v1/locations/{location}/media/recent", "/v1/media/search",
    "/v1/media/popular",
])  # fmt: skip
@pytest.mark.parametrize(("account", "relation"), CASES)
def test_photos_of_an_account_are_in_lists_of_those_who_may_see_them_alone(worlds, account, relation, path):
    world = worlds[account]
    if relation == "client" and "self" in path:
        pytest.skip("an application alone has no feed")
    latitude, longitude = world.position

    answer = ask(
        world, relation, path.format(tag=world.tag, location=world.location_id), lat=latitude, lng=longitude, count=100
    )

    assert answer.status_code == 200, answer.content
    found = world.media_id in [media["id"] for media in answer.json()["data"]]
    if "self" in path:
        assert found == (world.sees(account, relation) and relation in {"owner", "follower"})
    elif path == "/v1/media/popular":
        # One list for all: whether it made the cut is another test's; it must not show what is not to be seen.
        assert not found or (account == "public" and world.sees(account, relation))
    else:
        assert found == (account == "public" and world.sees(account, relation))


#: Lists of people in which the owner stands beside others.
PEOPLE = {
    "/v1/media/{other_media}/likes": lambda answer: [person["id"] for person in answer["data"]],
    "/v1/media/{other_media}/comments": lambda answer: [comment["from"]["id"] for comment in answer["data"]],
    "/v1/media/{other_media}": lambda answer: (
        [person["id"] for person in answer["data"]["likes"]["data"]]
        + [comment["from"]["id"] for comment in answer["data"]["comments"]["data"]]
    ),
    "/v1/users/{other}/follows": lambda answer: [person["id"] for person in answer["data"]],
    "/v1/users/{other}/followed-by": lambda answer: [person["id"] for person in answer["data"]],
    "/v1/users/search": lambda answer: [person["id"] for person in answer["data"]],
}


@pytest.mark.parametrize("path", PEOPLE)
@pytest.mark.parametrize(("account", "relation"), CASES)
def test_people_are_named_in_lists_but_to_those_they_blocked(worlds, account, relation, path):
    world = worlds[account]

    answer = ask(
        world, relation, path.format(other=world.other.id, other_media=world.other_media_id), q=world.owner.username
    )

    assert answer.status_code == 200, answer.content
    named = str(world.owner.id) in PEOPLE[path](answer.json())
    assert named == (account != "deactivated" and relation != "blocked")


@pytest.mark.parametrize(("account", "relation"), CASES)
def test_the_card_is_there_for_everybody_whom_they_did_not_block(worlds, account, relation):
    world = worlds[account]
    if relation == "client":
        pytest.skip("the card is for people")

    answer = ask(world, relation, "/v1/users/card", id=world.owner.id)

    if account == "deactivated" or relation == "blocked":
        assert answer.json()["meta"]["error_type"] == GONE
    else:
        assert answer.json()["data"]["username"] == world.owner.username


@pytest.mark.parametrize("path", ["/v1/users/self/activity", "/v1/users/self/activity/following"])
@pytest.mark.parametrize(("account", "relation"), CASES)
def test_news_and_the_following_stream_show_what_the_reader_may_see(worlds, account, relation, path):
    world = worlds[account]
    if relation == "client":
        pytest.skip("an application alone has no news")

    # The owner's photo mentions every viewer, and the bystander, whom all follow, likes it and follows the owner.
    answer = ask(world, relation, path, count=100).json()["data"]

    told = world.sees(account, relation) and relation not in {"owner", "blocking"}
    if path.endswith("following"):
        assert (world.media_id in [act["media"]["id"] for act in answer if act["media"]]) == told
        assert (str(world.owner.id) in [act["user"]["id"] for act in answer if act["user"]]) == told
    else:
        assert ("mention" in [entry["type"] for entry in answer]) == told


@pytest.mark.parametrize(("account", "relation"), CASES)
def test_a_bell_is_for_those_who_follow(worlds, account, relation):
    world = worlds[account]
    person = world.viewers[relation]
    if person is None:
        pytest.skip("an application alone has no phone")

    answer = Client().post(f"/v1/users/{world.owner.id}/bell", {"access_token": person.token})

    if account == "deactivated":
        assert answer.json()["meta"]["error_type"] == GONE
    else:
        assert (answer.status_code == 200) == (relation == "follower")
