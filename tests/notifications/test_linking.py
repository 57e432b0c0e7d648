"""Linking accounts: the way to each service and back, the vault, rotation of keys, deletion and export."""

import pytest
from django.core.management import call_command

from instagram.errors import InvalidParameters
from notifications.sharing.adapters import adapter_of
from notifications.sharing.erasing import erase_shares
from notifications.sharing.exporting import all_shares_of, linked_services_of
from notifications.sharing.models import LinkedService
from notifications.sharing.queries import link_to
from notifications.sharing.services import begin_linking, finish_linking
from notifications.sharing.tasks import send_share
from notifications.sharing.vault import Credentials, Unreadable, seal, unseal
from tests.support.people import a_person
from tests.support.social import SERVICES, elsewhere, say, shares

__all__ = ["elsewhere"]

BACK = "http://127.0.0.1/accounts/services/x/callback"


@pytest.mark.parametrize("service", SERVICES)
def test_a_browser_goes_to_the_service_and_comes_back_with_an_account(elsewhere, service):
    anna = a_person()
    handshake = begin_linking(service=service, callback=BACK, state="s" * 20)

    place, answer = say("yes", handshake.address, account="marlow")
    linked = finish_linking(user_id=anna.id, service=service, callback=BACK, handshake=handshake, answer=answer)

    assert place == BACK
    assert linked.account == "marlow"
    assert link_to(anna.id, service).credentials.token not in linked.credentials
    media = anna.upload(share_to=service)
    assert media["shares"] == [{"service": service, "status": "queued"}]


@pytest.mark.parametrize("service", SERVICES)
def test_who_says_no_is_not_linked(elsewhere, service):
    anna = a_person()
    handshake = begin_linking(service=service, callback=BACK, state="s" * 20)

    _, answer = say("no", handshake.address)

    with pytest.raises(InvalidParameters, match="you did not allow it"):
        finish_linking(user_id=anna.id, service=service, callback=BACK, handshake=handshake, answer=answer)
    assert not LinkedService.objects.filter(user=anna.id).exists()


@pytest.mark.parametrize("service", SERVICES)
def test_an_answer_meant_for_another_browser_links_nothing(elsewhere, service):
    anna = a_person()
    mine = begin_linking(service=service, callback=BACK, state="mine" * 5)
    theirs = begin_linking(service=service, callback=BACK, state="theirs" * 5)

    _, answer = say("yes", theirs.address)

    with pytest.raises(InvalidParameters):
        finish_linking(user_id=anna.id, service=service, callback=BACK, handshake=mine, answer=answer)


@pytest.mark.parametrize("service", SERVICES)
def test_a_code_works_once(elsewhere, service):
    anna = a_person()
    handshake = begin_linking(service=service, callback=BACK, state="s" * 20)
    _, answer = say("yes", handshake.address)
    facts = {"user_id": anna.id, "service": service, "callback": BACK, "handshake": handshake, "answer": answer}
    finish_linking(**facts)

    with pytest.raises(InvalidParameters):
        finish_linking(**facts)


def test_a_service_that_is_away_cannot_be_linked_and_says_so(elsewhere):
    elsewhere.goes_wrong("twitter", status=503)

    with pytest.raises(InvalidParameters, match="HTTP status 503"):
        begin_linking(service="twitter", callback=BACK, state="s")


def test_posterous_has_no_adapter():
    assert adapter_of("posterous") is None


def test_what_is_sealed_opens_for_its_person_and_service_alone():
    sealed = seal(Credentials("token", "secret"), user_id=1, service="twitter")

    assert unseal(sealed, user_id=1, service="twitter") == Credentials("token", "secret")
    assert "token" not in sealed
    for user_id, service in ((2, "twitter"), (1, "tumblr")):
        with pytest.raises(Unreadable):
            unseal(sealed, user_id=user_id, service=service)


def test_keys_are_rotated_by_a_new_one_in_front_and_a_command(settings, capsys):
    anna = a_person()
    facts = {"oauth_token": "t", "oauth_secret": "s", "account": "marlow"}
    anna.post("/v1/users/self/services/twitter", **facts)
    old = settings.SERVICE_TOKEN_KEYS

    settings.SERVICE_TOKEN_KEYS = f"a new key,{old}"
    call_command("reseal_services")
    settings.SERVICE_TOKEN_KEYS = "a new key"
    opened = link_to(anna.id, "twitter").credentials
    settings.SERVICE_TOKEN_KEYS = f"{old},a new key"
    call_command("reseal_services")

    assert opened == Credentials("t", "s")
    assert "links resealed" in capsys.readouterr().out


def test_a_link_that_no_key_opens_ends_with_its_next_share(elsewhere, settings):
    anna = elsewhere.somebody("twitter")
    settings.SERVICE_TOKEN_KEYS = "another key"
    media = anna.upload(share_to="twitter")

    send_share(user_id=anna.id, photo_id=int(media["id"].split("_")[0]), service="twitter", asked=1)

    assert "link your account again" in shares(anna, media["id"])["twitter"]["reason"]
    assert not LinkedService.objects.filter(user=anna.id).exists()


def test_with_the_person_go_links_and_shares(elsewhere):
    anna = elsewhere.somebody("twitter", "tumblr")
    anna.upload(share_to="twitter,tumblr")
    anna.upload(share_to="twitter")

    batch = erase_shares(anna.id)

    assert (batch.erased, batch.next) == (5, None)
    assert (linked_services_of(anna.id), all_shares_of(anna.id)) == ([], [])


def test_an_archive_tells_accounts_and_shares_and_no_token(elsewhere):
    anna = elsewhere.somebody("twitter")
    media = anna.upload(share_to="twitter,posterous")

    assert linked_services_of(anna.id) == [{"service": "twitter", "account": anna.username}]
    told = all_shares_of(anna.id)
    assert {(each["photo_id"], each["service"], each["status"]) for each in told} == {
        (media["id"].split("_")[0], "twitter", "queued"),
        (media["id"].split("_")[0], "posterous", "not_linked"),
    }
