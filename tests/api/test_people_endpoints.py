"""Lists of people and what one likes: complete, in order, without those who may not be in them, at a fixed cost."""

import pytest
from django.test import Client

from accounts.services import block_user, deactivate
from accounts.tasks import find_most_followed
from caching import cache
from jobs import Again
from jobs.testing import run_until_idle
from sharding import counters, physical_servers
from tests.support.people import a_person, our_client, refusal
from tests.support.round_trips import counted
from tests.support.waiting import wait_until


def names(answer):
    return [person["username"] for person in answer["data"]]


def ids(answer):
    return [media["id"] for media in answer["data"]]


def test_what_i_like_comes_latest_like_first_and_pages_without_gaps():
    anna, ben = a_person(), a_person()
    media = [anna.upload()["id"] for _ in range(3)]
    for media_id in (media[1], media[2], media[0]):
        ben.post(f"/v1/media/{media_id}/likes")

    first = ben.get("/v1/users/self/media/liked", count=2)
    assert ids(first) == [media[0], media[2]]
    assert "max_like_id=" + first["pagination"]["next_max_like_id"] in first["pagination"]["next_url"]
    second = ben.get("/v1/users/self/media/liked", count=2, max_like_id=first["pagination"]["next_max_like_id"])
    assert (ids(second), second["pagination"]) == ([media[1]], {})

    ben.delete(f"/v1/media/{media[0]}/likes")
    anna.post("/v1/accounts/self", is_private="1")
    assert ids(ben.get("/v1/users/self/media/liked")) == []


def test_requests_are_listed_latest_first_and_answered():
    anna, ben, carl = a_person(), a_person(), a_person()
    anna.post("/v1/accounts/self", is_private="1")
    ben.follow(anna)
    carl.follow(anna)

    answer = anna.get("/v1/users/self/requested-by")
    assert (names(answer), answer["pagination"]) == ([carl.username, ben.username], {})
    assert anna.post(f"/v1/users/{ben.id}/relationship", action="Approve")["data"]["incoming_status"] == "followed_by"
    assert anna.post(f"/v1/users/{carl.id}/relationship", action="deny")["data"]["incoming_status"] == "none"
    assert names(anna.get("/v1/users/self/requested-by")) == []
    assert ben.get(f"/v1/users/{anna.id}")["data"]["username"] == anna.username


def test_blocking_ends_follows_refuses_the_blocked_and_can_be_taken_back():
    anna, ben = a_person(), a_person()
    ben.follow(anna)
    anna.follow(ben)
    media = anna.upload()["id"]

    answer = anna.post(f"/v1/users/{ben.id}/relationship", action="block")["data"]
    assert answer == {
        "outgoing_status": "none",
        "incoming_status": "blocked_by_you",
        "target_user_is_private": False,
    }
    for path in (f"/v1/users/{anna.id}", f"/v1/media/{media}"):
        assert refusal(Client().get(path, {"access_token": ben.token}))[0] == "APINotAllowedError"
    assert names(anna.get("/v1/users/self/blocked")) == [ben.username]
    assert anna.post(f"/v1/users/{ben.id}/relationship", action="unblock")["data"]["incoming_status"] == "none"
    assert names(anna.get("/v1/users/self/blocked")) == []
    ben.get(f"/v1/media/{media}")


def test_the_blocked_are_paged_latest_first():
    anna, others = a_person(), [a_person() for _ in range(3)]
    for other in others:
        block_user(owner_id=anna.id, other_id=other.id)

    first = anna.get("/v1/users/self/blocked", count=2)
    second = anna.get("/v1/users/self/blocked", count=2, cursor=first["pagination"]["next_cursor"])
    assert names(first) + names(second) == [person.username for person in reversed(others)]
    assert second["pagination"] == {}


@pytest.mark.parametrize("leaving", ["blocks the viewer", "goes away"])
def test_who_blocks_the_viewer_or_is_away_is_in_no_list_and_no_sample(leaving):
    anna, ben, viewer = a_person(), a_person(), a_person()
    media = anna.upload()["id"]
    ben.follow(anna)
    anna.follow(ben)
    ben.post(f"/v1/media/{media}/likes")
    ben.post(f"/v1/media/{media}/comments", text="hello")
    own = ben.upload()["id"]
    run_until_idle()
    if leaving == "blocks the viewer":
        block_user(owner_id=ben.id, other_id=viewer.id)
    else:
        deactivate(ben.id)

    shown = viewer.get(f"/v1/media/{media}")["data"]
    assert (shown["likes"]["data"], shown["comments"]["data"]) == ([], [])
    for path in ("likes", "comments"):
        assert viewer.get(f"/v1/media/{media}/{path}")["data"] == []
    for path in ("follows", "followed-by"):
        assert viewer.get(f"/v1/users/{anna.id}/{path}")["data"] == []
    assert refusal(Client().get(f"/v1/media/{own}", {"access_token": viewer.token}))[0] in (
        "APINotFoundError",
        "APINotAllowedError",
    )
    assert viewer.post("/v1/users/lookup", emails=f"{ben.username}@example.com")["data"] == []
    card = Client().get("/v1/users/card", {"access_token": viewer.token, "username": ben.username})
    assert refusal(card) == ("APINotFoundError", "this user does not exist")


def test_a_photo_of_somebody_away_is_an_unknown_photo():
    anna, ben = a_person(), a_person()
    media = anna.upload()["id"]
    deactivate(anna.id)

    response = Client().get(f"/v1/media/{media}", {"access_token": ben.token})
    assert refusal(response) == ("APINotFoundError", "invalid media id")


def test_an_address_book_finds_people_by_mail_and_number_however_written():
    anna, ben, carl = a_person(), a_person(phone="+1 (555) 01" + str(a_person().id).zfill(8)), a_person()
    digits = ben.get("/v1/accounts/self")["data"]["phone"].translate({ord(c): None for c in "+ ()"})
    carl.post("/v1/accounts/self", is_private="1")
    anna.follow(carl)

    found = anna.post(
        "/v1/users/lookup",
        emails=f" {carl.username.upper()}@example.com,nobody@nowhere.example,{anna.username}@example.com",
        phones=f"{digits[:4]}-{digits[4:]},1",
    )["data"]

    assert [each["id"] for each in found] == [str(carl.id), str(ben.id)]
    assert found[0]["relationship"] == {
        "outgoing_status": "requested",
        "incoming_status": "none",
        "target_user_is_private": True,
    }
    response = Client().post("/v1/users/lookup", {"access_token": anna.token, "emails": "a@b.example," * 501})
    assert refusal(response) == ("APIInvalidParametersError", "emails: at most 500")


def test_suggested_are_first_those_whom_most_of_my_friends_follow():
    anna, friends, star, lesser = a_person(), [a_person(), a_person()], a_person(), a_person()
    for friend in friends:
        anna.follow(friend)
        friend.follow(star)
        friend.follow(anna)
    friends[0].follow(lesser)
    friends[0].follow(friends[1])

    assert names(anna.get("/v1/users/suggested"))[:2] == [star.username, lesser.username]
    anna.follow(star)
    assert names(anna.get("/v1/users/suggested", count=1)) == [lesser.username]


def test_private_people_are_suggested_but_nobody_one_asked_blocked_or_is_blocked_by():
    anna, friend = a_person(), a_person()
    private, asked, blocked, blocking, away = others = [a_person() for _ in range(5)]
    anna.follow(friend)
    for other in (*others, anna):
        friend.follow(other)
    for person in (private, asked):
        person.post("/v1/accounts/self", is_private="1")
    anna.follow(asked)
    block_user(owner_id=anna.id, other_id=blocked.id)
    block_user(owner_id=blocking.id, other_id=anna.id)
    deactivate(away.id)
    run_until_idle()

    found = names(anna.get("/v1/users/suggested", count=100))

    assert found[0] == private.username
    assert {person.username for person in (anna, friend, asked, blocked, blocking, away)}.isdisjoint(found)


def test_who_follows_nobody_is_suggested_the_most_followed():
    star = a_person()
    for _ in range(3):
        a_person().follow(star)
    for server in physical_servers():
        counters.roll_up(server)
    again = find_most_followed()
    while isinstance(again, Again):
        again = find_most_followed(**again.changes)

    found = a_person().get("/v1/users/suggested", count=100)["data"]
    assert found
    assert set(found[0]) == {"id", "username", "full_name", "profile_picture"}


def test_a_card_shows_a_private_profile_with_numbers_and_how_we_stand():
    anna, ben = a_person(full_name="Anna"), a_person()
    anna.post("/v1/accounts/self", is_private="1", bio="fog", website="a.example")
    ben.follow(anna)

    card = ben.get("/v1/users/card", username=anna.username.upper())["data"]
    assert card == ben.get("/v1/users/card", id=anna.id)["data"]
    assert (card["bio"], card["website"], card["counts"]["followed_by"]) == ("fog", "http://a.example", 0)
    assert card["relationship"]["outgoing_status"] == "requested"
    response = Client().get("/v1/users/card", {"access_token": ben.token})
    assert refusal(response)[0] == "APIInvalidParametersError"


def test_filters_have_name_code_and_whether_they_are_offered():
    found = {each["name"]: each for each in a_person().get("/v1/filters")["data"]}

    assert found["Earlybird"] == {"name": "Earlybird", "code": 3, "active": True}
    assert found["Gotham"]["active"] is False
    assert sum(each["active"] for each in found.values()) == 18


def test_our_own_endpoints_refuse_a_client_id_and_unknown_people():
    client = our_client()
    for path in ("/v1/users/self/blocked", "/v1/users/suggested", "/v1/users/card", "/v1/filters"):
        response = Client().get(path, {"client_id": client.client_id})
        assert refusal(response) == ("OAuthParameterException", "Missing access_token URL parameter.")
    response = Client().get("/v1/users/card", {"access_token": a_person().token, "id": "99999999999"})
    assert refusal(response)[0] == "APINotFoundError"


@pytest.mark.parametrize(
    ("path", "sql"),
    [
        ("/v1/users/{}/followed-by", 1),
        ("/v1/users/self/blocked", 1),
        ("/v1/users/self/requested-by", 1),
        ("/v1/users/suggested", 2),
        ("/v1/users/self/media/liked", 3),
        ("/v1/media/{media}/likes", 1),
        ("/v1/media/{media}/comments", 1),
    ],
)
def test_a_warm_list_asks_the_database_a_fixed_number_of_times_however_long_it_is(path, sql, monkeypatch):
    monkeypatch.setattr(cache, "TOMBSTONE_S", 1)
    anna, others = a_person(), [a_person() for _ in range(6)]
    media = anna.upload()["id"]
    friend = a_person()
    anna.follow(friend)
    for other in others:
        other.follow(anna)
        friend.follow(other)
        other.post(f"/v1/media/{media}/likes")
        other.post(f"/v1/media/{media}/comments", text="hello")
        anna.post(f"/v1/media/{other.upload()['id']}/likes")
        if "blocked" in path:
            block_user(owner_id=anna.id, other_id=other.id)

    def made(count):
        with counted() as requests:
            anna.get(path.format(anna.id, media=media), count=count)
        return requests

    wait_until(lambda: made(6)["memcached store"] == 0, what="the page is warm")
    assert made(1)["sql"] <= made(6)["sql"] <= sql
    assert made(6)["memcached"] <= 2 * 8
