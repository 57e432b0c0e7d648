"""Phones and push settings through the API."""

import secrets
import threading

import pytest
from django.db import connections
from django.test import Client, override_settings

from accounts.models import AccessToken
from accounts.services.deletion import STEPS
from accounts.services.exports import parts
from instagram.errors import InvalidToken
from notifications.push import bells, devices
from notifications.push.models import Device
from tests.support.apns import a_device
from tests.support.applications import a_token, an_application
from tests.support.people import a_person, refusal

DEFAULTS = {
    "likes": "everyone", "comments": "everyone", "mentions": "everyone", "followers": "on", "requests": "on",
    "friends": "on", "popular": "on", "posts": "chosen",
}  # fmt: skip


def phones_of(person):
    return list(Device.objects.filter(user=person.id).order_by("pk").values_list("token", flat=True))


def test_a_phone_is_registered_and_answered_as_the_contract_says():
    person, token = a_person(), secrets.token_hex(32)

    data = person.post("/v1/devices", token=token.upper(), platform="ios", environment="sandbox", app_version="2.0.1")
    device = Device.objects.get(token=token)

    expected = {"id": str(device.pk), "token": token, "platform": "ios", "environment": "sandbox"}
    assert data["data"] == expected
    assert (device.user_id, device.app_version) == (person.id, "2.0.1")


def test_registering_again_changes_nothing_but_what_is_new():
    person = a_person()
    token = a_device(person, app_version="2.0")
    a_device(person, token=token, app_version="2.1", environment="sandbox")

    device = Device.objects.get(token=token)
    assert (device.app_version, device.environment) == ("2.1", "sandbox")
    assert phones_of(person) == [token]


def test_a_phone_belongs_to_who_registered_it_last():
    anna, ben = a_person(), a_person()
    token = a_device(anna)
    a_device(ben, token=token)

    assert (phones_of(anna), phones_of(ben)) == ([], [token])
    anna.delete(f"/v1/devices/{token}")  # it is no longer hers to unregister
    assert phones_of(ben) == [token]


def test_of_many_who_register_one_phone_at_once_one_has_it():
    people, token = [a_person() for _ in range(6)], secrets.token_hex(32)
    faults = []

    def register(user_id):
        try:
            devices.register(user_id=user_id, token=token)
        except Exception as error:
            faults.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=register, args=[person.id]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert Device.objects.filter(token=token).count() == 1


def test_the_oldest_phone_gives_way_to_one_too_many():
    person = a_person()
    with override_settings(DEVICES_PER_PERSON=2):
        first, second, third = (a_device(person) for _ in range(3))

    assert first not in phones_of(person)
    assert phones_of(person) == [second, third]


@pytest.mark.parametrize("facts", [
    {}, {"token": "no hex"}, {"token": "ab" * 8}, {"token": "ab" * 101}, {"platform": "android"},
    {"environment": "moon"}, {"app_version": "x" * 31}, {"locale": "x" * 31},
])  # fmt: skip
def test_what_is_no_phone_is_refused_with_a_sentence(facts):
    person = a_person()
    given = ({"token": secrets.token_hex(32)} if facts and "token" not in facts else {}) | facts
    error_type, message = refusal(Client().post("/v1/devices", given | {"access_token": person.token}))

    assert error_type == "APIInvalidParametersError"
    assert message.startswith(next(iter(facts), "token"))


def test_a_phone_is_unregistered_and_again():
    person = a_person()
    token = a_device(person)
    for _ in range(2):
        assert person.delete(f"/v1/devices/{token}")["data"] is None

    assert phones_of(person) == []


def test_signing_out_silences_the_phone_that_signed_in():
    person = a_person()
    a_device(person)
    elsewhere = devices.register(user_id=person.id, token=secrets.token_hex(32))
    person.post("/v1/accounts/logout")

    assert phones_of(person) == [elsewhere.token]


def test_a_phone_that_registers_while_its_person_signs_out_stays_silent():
    person = a_person()
    token_id = AccessToken.objects.get(user=person.id).pk
    person.post("/v1/accounts/logout")

    with pytest.raises(InvalidToken):  # its request was let in a moment before
        devices.register(user_id=person.id, token=secrets.token_hex(32), access_token_id=token_id)

    assert phones_of(person) == []


def test_settings_begin_with_defaults_and_keep_what_is_changed():
    person = a_person()
    assert person.get("/v1/users/self/settings/push")["data"] == DEFAULTS

    changed = person.post("/v1/users/self/settings/push", likes="following", posts="off")["data"]

    assert changed == DEFAULTS | {"likes": "following", "posts": "off"}
    assert list(changed) == list(DEFAULTS)
    assert person.get("/v1/users/self/settings/push")["data"] == changed


@pytest.mark.parametrize(("name", "value"), [("likes", "on"), ("followers", "everyone"), ("posts", "everyone")])
def test_a_setting_takes_its_own_words_alone(name, value):
    person = a_person()
    answer = Client().post("/v1/users/self/settings/push", {name: value, "access_token": person.token})

    assert refusal(answer)[1].startswith(f"{name}: must be one of")
    assert person.get("/v1/users/self/settings/push")["data"] == DEFAULTS


@pytest.mark.parametrize("path", ["/v1/devices", "/v1/users/self/settings/push", "/v1/users/1/bell"])
def test_other_applications_have_no_business_here(path):
    token = a_token(a_person(), an_application(), "basic")
    answer = Client().post(path, {"access_token": token})

    assert refusal(answer)[0] == "OAuthPermissionsException"


def test_push_is_a_step_of_leaving_and_the_bells_of_the_person_go():
    author, person = a_person(), a_person()
    person.follow(author)
    author.follow(person)
    person.post(f"/v1/users/{author.id}/bell")
    author.post(f"/v1/users/{person.id}/bell")

    assert next(iter(STEPS)) == "push"
    assert bells.erase(person.id, after=-1) == (1, None)
    assert bells.ringing(author.id, after=-1, limit=5) == []
    assert bells.ringing(person.id, after=-1, limit=5) == []


def test_the_archive_of_a_person_has_their_phones_settings_and_bells():
    author, person = a_person(), a_person()
    person.follow(author)
    person.post(f"/v1/users/{author.id}/bell")
    token = a_device(person, locale="cs_CZ")
    person.post("/v1/users/self/settings/push", likes="off")

    (entry,) = parts["push"](person.id)

    assert entry["settings"] == DEFAULTS | {"likes": "off"}
    assert [(device["token"], device["locale"]) for device in entry["devices"]] == [(token, "cs_CZ")]
    assert entry["bells"] == [str(author.id)]
