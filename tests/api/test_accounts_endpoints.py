"""Passwords, pictures, leaving and coming back, signing out: through the API."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.clients import first_party_client
from accounts.models import OAuthClient, User
from accounts.services.passwords import reset_token
from accounts.signals import tokens_revoked
from accounts.tokens import issue
from jobs.testing import run_until_idle
from photos import storage
from tests.support.people import a_person, a_photo, body, our_client, refusal
from tests.support.round_trips import counted

OLD = "secret word"


def sign_in(person, password=OLD):
    client = our_client()
    secret = {"client_id": client.client_id, "client_secret": client.client_secret}
    return Client().post(
        "/oauth/access_token",
        secret | {"grant_type": "password", "username": person.username, "password": password},
    )


def works(token):
    return Client().get("/v1/users/self", {"access_token": token}).status_code == 200


def ask_reset(**params):
    return Client().post("/v1/accounts/password_reset", {"client_id": our_client().client_id, **params})


def confirm(token, new):
    facts = {"client_id": our_client().client_id, "token": token, "new_password": new}
    return Client().post("/v1/accounts/password_reset/confirm", facts)


def mails_to(person, mailoutbox):
    # Jobs that other tests left run here as well.
    return [mail for mail in mailoutbox if mail.to == [f"{person.username}@example.com"]]


def test_a_new_password_signs_out_our_other_apps_but_not_this_one_nor_other_peoples():
    anna = a_person()
    user = User.objects.get(pk=anna.id)
    ours = issue(user, first_party_client(name="Our second app"))
    theirs = issue(user, OAuthClient.objects.create(name="Theirs"))

    anna.post("/v1/accounts/self/password", old_password=OLD, new_password="another word")

    assert (works(anna.token), works(ours), works(theirs)) == (True, False, True)
    assert sign_in(anna).status_code == 400
    assert sign_in(anna, "another word").json()["access_token"] == anna.token


@pytest.mark.parametrize(
    ("old", "new", "field"), [("wrong", "another word", "old_password"), (OLD, "short", "new_password")]
)
def test_a_password_is_not_changed_without_the_old_one_or_to_a_bad_one(old, new, field):
    anna = a_person()
    response = Client().post(
        "/v1/accounts/self/password", {"access_token": anna.token, "old_password": old, "new_password": new}
    )

    assert list(body(response, status=400)["meta"]["errors"]) == [field]
    assert sign_in(anna).status_code == 200


def test_a_mailed_link_sets_a_new_password_once(mailoutbox):
    anna = a_person()
    body(ask_reset(email=f"{anna.username.upper()}@example.com"))
    assert mails_to(anna, mailoutbox) == []
    run_until_idle()
    (mail,) = mails_to(anna, mailoutbox)
    token = re.search(r"\?token=(\S+)", mail.body)[1]

    assert mail.to == [f"{anna.username}@example.com"]
    body(confirm(token, "mailed word"))
    assert sign_in(anna, "mailed word").status_code == 200
    assert refusal(confirm(token, "mailed again"))[0] == "APIInvalidParametersError"
    assert sign_in(anna, "mailed word").status_code == 200


def test_a_reset_signs_out_all_our_apps():
    anna = a_person()
    body(confirm(reset_token(User.objects.get(pk=anna.id)), "reset word"))

    assert not works(anna.token)


@pytest.mark.parametrize("token", ["", "x", "1-abc-def", "9" * 18 + "-abc-0f", "1-" + "a" * 200, "１-abc-0f"])
def test_a_forged_link_sets_nothing(token):
    assert refusal(confirm(token, "another word"))[0] == "APIInvalidParametersError"


def test_an_old_link_sets_nothing(settings):
    anna = a_person()
    token = reset_token(User.objects.get(pk=anna.id))
    settings.PASSWORD_RESET_TIMEOUT = -1

    assert refusal(confirm(token, "another word"))[0] == "APIInvalidParametersError"


def test_asking_for_a_reset_looks_the_same_whether_or_not_there_is_an_account(mailoutbox):
    anna = a_person()
    ask_reset(username=anna.username)  # fills caches
    with counted() as known:
        there = ask_reset(username=anna.username)
    with counted() as unknown:
        not_there = ask_reset(username="nobody.at.all")

    assert there.content == not_there.content
    assert known == unknown
    run_until_idle()
    assert len(mails_to(anna, mailoutbox)) == 2
    assert refusal(ask_reset())[0] == "APIInvalidParametersError"


def test_one_address_asks_for_so_many_links_only(settings):
    settings.RESETS_PER_ADDRESS = 0

    assert refusal(ask_reset(username="nobody.at.all"), status=429)[0] == "OAuthRateLimitException"


def test_nobodys_mailbox_is_filled(mailoutbox, settings):
    settings.MAILS_PER_HOUR = 2
    anna = a_person()
    for _ in range(4):
        ask_reset(username=anna.username)
    run_until_idle()

    assert len(mails_to(anna, mailoutbox)) == 2


def test_who_leaves_is_hidden_and_comes_back_by_signing_in():
    anna, ben = a_person(), a_person()
    response = Client().post("/v1/accounts/self/deactivate", {"access_token": anna.token, "password": "wrong"})
    assert refusal(response)[0] == "APIInvalidParametersError"
    anna.post("/v1/accounts/self/deactivate", password=OLD)

    assert not works(anna.token)
    response = Client().get(f"/v1/users/{anna.id}", {"access_token": ben.token})
    assert refusal(response) == ("APINotFoundError", "this user does not exist")
    assert sign_in(anna).json()["access_token"] == anna.token
    assert works(anna.token)
    assert ben.get(f"/v1/users/{anna.id}")["data"]["username"] == anna.username


def test_who_left_can_come_back_with_the_old_token_and_the_password():
    anna = a_person()
    anna.post("/v1/accounts/self/deactivate", password=OLD)
    response = Client().post("/v1/accounts/self/reactivate", {"access_token": anna.token, "password": "wrong"})
    assert refusal(response)[0] == "APIInvalidParametersError"
    assert refusal(Client().post("/v1/accounts/self/reactivate", {"access_token": "1.a.b"}))[0] == (
        "OAuthAccessTokenException"
    )

    anna.post("/v1/accounts/self/reactivate", password=OLD)
    assert works(anna.token)


def test_somebody_suspended_does_not_come_back():
    anna = a_person()
    anna.post("/v1/accounts/self/deactivate", password=OLD)
    User.objects.filter(pk=anna.id).update(is_active=False)

    response = Client().post("/v1/accounts/self/reactivate", {"access_token": anna.token, "password": OLD})
    assert refusal(response)[0] == "APINotFoundError"
    assert sign_in(anna).status_code == 400


def stored(url):
    store = storage.client()
    return store.list_objects_v2(Bucket="test", Prefix="pub/" + url.split("/pub/")[1][:35]).get("KeyCount")


def test_a_profile_picture_goes_through_the_gate_and_the_one_before_goes_away():
    anna = a_person()
    picture = SimpleUploadedFile("me.jpg", a_photo())
    first = anna.post("/v1/accounts/self", picture=picture, bio="fog")["data"]
    assert (stored(first["profile_picture"]), first["bio"]) == (3, "fog")
    second = anna.post("/v1/accounts/self", picture=SimpleUploadedFile("me.jpg", a_photo()))["data"]
    run_until_idle()

    assert second["profile_picture"] != first["profile_picture"]
    assert (stored(first["profile_picture"]), stored(second["profile_picture"])) == (0, 3)
    response = Client().post(
        "/v1/accounts/self", {"access_token": anna.token, "picture": SimpleUploadedFile("a.jpg", b"no picture")}
    )
    meta = body(response, status=400)["meta"]
    assert meta["error_message"].startswith("picture: ")
    assert anna.get("/v1/accounts/self")["data"]["profile_picture"] == second["profile_picture"]


def test_sign_up_takes_a_picture_and_an_e_mail_can_be_changed():
    client, name = our_client(), a_person().username + "p"
    facts = {"username": name, "password": "secret", "email": f"{name}@b.example"}
    answer = Client().post(
        "/v1/accounts",
        facts
        | {"client_id": client.client_id, "client_secret": client.client_secret}
        | {"picture": SimpleUploadedFile("me.jpg", a_photo())},
    )
    made = body(answer)["data"]
    assert stored(made["user"]["profile_picture"]) == 3

    changed = Client().post(
        "/v1/accounts/self", {"access_token": made["access_token"], "email": f"{name.upper()}@c.example"}
    )
    assert body(changed)["data"]["email"] == f"{name}@c.example"


def test_signing_out_tells_who_keeps_devices_in_the_same_transaction():
    anna, told = a_person(), []

    def note(sender, token_ids, **_):
        told.extend(token_ids)

    tokens_revoked.connect(note)
    try:
        anna.post("/v1/accounts/logout")
    finally:
        tokens_revoked.disconnect(note)

    assert len(told) == 1
    assert not works(anna.token)
