"""Address books: contacts as they are or as hashes, and who is told when somebody joins."""

from datetime import timedelta
from hashlib import sha256
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils import timezone

from accounts import visibility
from accounts.address_books import email_hash, look_up, phone_hash, sweep, who_looked_up
from accounts.models import LookedUp, User
from accounts.services import block_user
from jobs.testing import run_until_idle
from notifications.activity import noting
from notifications.activity.services import note
from sharding import ShardUnavailable
from tests.support.people import a_person, refusal


def a_contact():
    """Return what the next person will be called, a contact not here yet."""
    number = a_person().id
    return f"friend{number}@example.com", f"+49 30 {number:08}"


def joins(email, phone=""):
    return a_person_with(email=email, phone=phone)


def a_person_with(*, email, phone):
    person = a_person(phone=phone)
    User.objects.filter(pk=person.id).update(email=email)  # before the job looks: as if signed up with it
    run_until_idle()
    return person


def joined(person):
    run_until_idle()
    return [
        entry["from"]["id"]
        for entry in person.get("/v1/users/self/activity")["data"]
        if entry["type"] == "friend_joined"
    ]


def test_the_normalised_value_is_what_is_hashed():
    assert email_hash(" Anna@Example.COM ") == sha256(b"anna@example.com").hexdigest()
    assert phone_hash("+49 (0) 30-123456") == sha256(b"49030123456").hexdigest()
    assert phone_hash("12") is None


def test_hashes_find_whom_the_plain_contact_finds():
    anna, ben, carl = a_person(), a_person(phone=a_contact()[1]), a_person()
    number = User.objects.get(pk=ben.id).phone

    found = anna.post(
        "/v1/users/lookup",
        email_hashes=f"{email_hash(f'{carl.username}@example.com').upper()},nonsense,{'0' * 64}",
        phone_hashes=phone_hash(number),
    )["data"]

    assert [each["id"] for each in found] == [str(carl.id), str(ben.id)]
    assert found[0]["relationship"]["outgoing_status"] == "none"


@pytest.mark.parametrize("way", ["emails", "phones", "email_hashes", "phone_hashes"])
def test_who_looked_for_somebody_is_told_once_when_they_join(way):
    anna, other = a_person(), a_person()
    email, phone = a_contact()
    contact = {
        "emails": email.upper(),
        "phones": phone.replace(" ", "-"),
        "email_hashes": email_hash(email),
        "phone_hashes": phone_hash(phone),
    }[way]
    for _ in range(2):
        assert anna.post("/v1/users/lookup", **{way: contact})["data"] == []

    friend = joins(email, phone)

    assert joined(anna) == [str(friend.id)]
    assert joined(other) == []
    assert who_looked_up(friend.id) == []


@pytest.mark.parametrize(("way", "days", "told"), [("phone", 0, True), ("email", 0, True), ("phone", 30, False)])
def test_a_newcomer_who_adds_a_number_has_joined_and_somebody_who_is_here_long_has_not(way, days, told):
    anna, ben = a_person(), a_person()
    User.objects.filter(pk=ben.id).update(date_joined=timezone.now() - timedelta(days=days))
    email, phone = a_contact()
    anna.post("/v1/users/lookup", emails=email, phones=phone)
    assert joined(anna) == []

    ben.post("/v1/accounts/self", **{way: phone if way == "phone" else email})

    assert joined(anna) == ([str(ben.id)] if told else [])


def test_while_the_newcomers_server_is_away_nobody_forgets_who_is_to_be_told():
    anna, ben = a_person(), a_person()
    email, _ = a_contact()
    for person in (anna, ben):
        person.post("/v1/users/lookup", emails=email)
    friend = a_person()
    User.objects.filter(pk=friend.id).update(email=email)

    with patch.object(visibility, "standings", lambda *_: {}), pytest.raises(ShardUnavailable):
        noting.note_joined(friend.id)

    assert joined(anna) == joined(ben) == [str(friend.id)]


def test_a_looker_whose_server_is_away_holds_nobody_up():
    anna, ben = a_person(), a_person()
    email, _ = a_contact()
    for person in (anna, ben):
        person.post("/v1/users/lookup", emails=email)
    friend = a_person()
    run_until_idle()
    User.objects.filter(pk=friend.id).update(email=email)

    def note_but(gone):
        def stand_in(user_id, act, **facts):
            if user_id == gone.id:
                raise ShardUnavailable("shard_a")
            note(user_id, act, **facts)

        return patch.object(noting, "note", stand_in)

    for gone, other in ((anna, ben), (ben, anna)):
        with note_but(gone), pytest.raises(ShardUnavailable):
            noting.note_joined(friend.id)
        assert joined(other) == [str(friend.id)]
    assert sorted(who_looked_up(friend.id)) == sorted([anna.id, ben.id])


def test_whoever_is_found_is_not_remembered():
    anna, ben = a_person(), a_person()
    anna.post("/v1/users/lookup", emails=f"{ben.username}@example.com")

    assert not LookedUp.objects.filter(user=anna.id).exists()


def test_somebody_who_blocks_at_once_is_not_told_of():
    anna = a_person()
    email, _ = a_contact()
    anna.post("/v1/users/lookup", emails=email)
    friend = a_person()
    User.objects.filter(pk=friend.id).update(email=email)
    block_user(owner_id=friend.id, other_id=anna.id)

    assert joined(anna) == []


def test_so_many_are_remembered_and_for_so_long(settings):
    settings.LOOKUP_REMEMBERED = 2
    anna = a_person()
    contacts = [a_contact()[0] for _ in range(4)]
    for contact in contacts:
        look_up(anna.id, emails=[contact])
    mine = LookedUp.objects.filter(user=anna.id)
    assert mine.count() == 2

    mine.update(looked_up_at=timezone.now() - timedelta(days=settings.LOOKUP_REMEMBERED_DAYS + 1))
    sweep()
    assert not mine.exists()


def test_what_is_kept_says_nothing_by_itself():
    anna = a_person()
    email, _ = a_contact()
    look_up(anna.id, emails=[email])

    code = bytes(LookedUp.objects.get(user=anna.id).code)
    assert code != bytes.fromhex(email_hash(email))[:16]


def test_looking_up_has_a_limit_of_its_own(settings):
    settings.LOOKUPS_PER_HOUR = 1
    anna = a_person()
    anna.post("/v1/users/lookup", emails="a@b.example")

    response = Client().post("/v1/users/lookup", {"access_token": anna.token, "emails": "a@b.example"})
    assert refusal(response, status=429)[0] == "OAuthRateLimitException"
