"""What is hidden is in no public list, by whichever way it came there, and nowhere else is it missing."""

import random
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Report
from accounts.reports import hidden_by_reports, set_hidden
from jobs.testing import run_until_idle
from moderation.models import Decision, Verdict
from tests.moderation.test_decisions import case_of, decide, feed_of, report, reported, tagged, undo
from tests.support.callbacks import a_client, an_application
from tests.support.people import a_person, body
from tests.support.store import photo_id


def ids_of(answer):
    return [each["id"] for each in answer["data"]]


@pytest.fixture
def spot():
    """Return a reader, a photo that every public list has, and how to read these lists."""
    anna, reader = a_person(), a_person()
    lat, lng = round(random.uniform(-80, 80), 5), round(random.uniform(-179, 179), 5)
    place = anna.post("/v1/locations", name="Pier", lat=lat, lng=lng)["data"]["id"]
    media = anna.upload(caption=f"#m{anna.id}", location_id=place)
    run_until_idle()
    with an_application() as application, a_client() as client:
        asked = {"object": "geography", "aspect": "media", "lat": str(lat), "lng": str(lng), "radius": "300"}
        pair = {"client_id": client.client_id, "client_secret": client.client_secret}
        circle = body(Client().post("/v1/subscriptions/", asked | pair | {"callback_url": application.url}))["data"]
        run_until_idle()
        lists = {
            "tag": lambda: reader.get(f"/v1/tags/m{anna.id}/media/recent"),
            "location": lambda: reader.get(f"/v1/locations/{place}/media/recent"),
            "search": lambda: reader.get("/v1/media/search", lat=lat, lng=lng),
            "geography": lambda: body(
                Client().get(f"/v1/geographies/{circle['object_id']}/media/recent", {"client_id": client.client_id})
            ),
        }
        yield media, lists


@pytest.mark.parametrize("name", ["tag", "location", "search", "geography"])
def test_a_photo_that_staff_hides_is_out_of_every_public_list_and_an_undo_shows_it_there(spot, name):
    media, lists = spot
    assert ids_of(lists[name]()) == [media["id"]]
    report(a_person(), f"media/{media['id']}")

    decision = decide(case_of(photo_id(media)), Verdict.HIDE)
    assert ids_of(lists[name]()) == []

    undo(decision)
    assert ids_of(lists[name]()) == [media["id"]]


def test_a_hidden_photo_is_out_of_public_lists_alone_and_an_undo_shows_it_there():
    anna, ben, media, case = reported()

    decision = decide(case, Verdict.HIDE)
    assert feed_of(ben) == [media["id"]]
    assert tagged(ben, anna) == []

    undo(decision)
    assert tagged(ben, anna) == [media["id"]]


def test_reports_that_weigh_enough_hide_a_photo_until_somebody_has_looked(settings):
    settings.REPORTS_HIDE_AT = 1
    anna, ben, media, case = reported(a_person(), a_person())
    assert tagged(ben, anna) == []

    decide(case, Verdict.DISMISS)

    assert tagged(ben, anna) == [media["id"]]


def test_as_many_reports_of_people_who_were_always_wrong_hide_nothing(settings):
    settings.REPORTS_HIDE_AT = 1
    cranks = [a_person(), a_person()]
    for _ in range(2):
        decide(reported(*cranks)[3], Verdict.DISMISS)

    *_, media, _ = reported(*cranks)  # each weighs a quarter
    assert hidden_by_reports([photo_id(media)]) == set()

    report(a_person(), f"media/{media['id']}")
    assert hidden_by_reports([photo_id(media)]) == {photo_id(media)}


def test_who_finds_nothing_wrong_with_what_was_hidden_for_good_has_it_shown_again():
    anna, ben, media, case = reported()
    decision = decide(case, Verdict.HIDE)
    Decision.objects.filter(pk=decision.pk).update(made_at=timezone.now() - timedelta(days=31), final_at=timezone.now())
    assert Report.objects.filter(target_id=photo_id(media)).values_list("review", flat=True)[0] == "upheld"

    report(a_person(), f"media/{media['id']}")
    dismissal = decide(case_of(photo_id(media)), Verdict.DISMISS)
    assert tagged(ben, anna) == [media["id"]]

    undo(dismissal)
    assert tagged(ben, anna) == []


def test_a_photo_stays_hidden_whatever_else_is_decided_about_its_owner():
    anna, ben, media, case = reported()
    decide(case, Verdict.HIDE)
    report(a_person(), f"media/{media['id']}")

    undo(decide(case_of(photo_id(media)), Verdict.SUSPEND))

    assert tagged(ben, anna) == []


@pytest.mark.parametrize("verdict", [Verdict.REMOVE, Verdict.SUSPEND])
def test_what_was_hidden_before_there_were_decisions_is_so_again_after_the_undo_of(verdict):
    anna, ben, media, case = reported()
    with transaction.atomic():
        set_hidden([photo_id(media)], hidden=True)

    undo(decide(case, verdict))

    assert tagged(ben, anna) == []
