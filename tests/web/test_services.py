"""The page of linked services: to a service and back in a browser's session."""

import pytest
from django.test import Client

from notifications.sharing.queries import linked_accounts
from tests.support.people import a_person
from tests.support.social import SERVICES, elsewhere, say

__all__ = ["elsewhere"]

PAGE = "/accounts/services"


def a_browser(person, **options):
    browser = Client(**options)
    browser.post("/accounts/login/", {"username": person.username, "password": "secret word"})
    return browser


def go_and_say(browser, service, decision="yes"):
    """Press Link, answer at the service, and come back; return the last answer."""
    away = browser.post(f"{PAGE}/{service}/link/")
    assert away.status_code == 302, away.content
    _, query = say(decision, away["Location"])
    return browser.get(f"{PAGE}/{service}/callback/", query)


@pytest.mark.parametrize("service", SERVICES)
def test_a_person_links_and_unlinks_an_account(elsewhere, service):
    anna = a_person()
    browser = a_browser(anna)

    assert go_and_say(browser, service)["Location"] == PAGE
    assert linked_accounts(anna.id) == {service: "marlow"}
    assert b"Linked as <strong>marlow</strong>" in browser.get(PAGE).content
    browser.post(PAGE, {"unlink": service})

    assert linked_accounts(anna.id) == {}
    assert b"marlow" not in browser.get(PAGE).content


def test_who_said_no_reads_that_nothing_was_linked(elsewhere):
    browser = a_browser(a_person())

    page = go_and_say(browser, "twitter", "no")

    assert page.status_code == 400
    assert b"Twitter: you did not allow it" in page.content


def test_a_callback_that_this_session_did_not_begin_links_nothing(elsewhere):
    anna, mallory = a_person(), a_person()
    away = a_browser(mallory).post(f"{PAGE}/facebook/link/")
    _, query = say("yes", away["Location"])

    page = a_browser(anna).get(f"{PAGE}/facebook/callback/", query)

    assert page.status_code == 400
    assert linked_accounts(anna.id) == {}


def test_a_callback_works_once(elsewhere):
    anna = a_person()
    browser = a_browser(anna)
    away = browser.post(f"{PAGE}/foursquare/link/")
    _, query = say("yes", away["Location"])

    first, second = (browser.get(f"{PAGE}/foursquare/callback/", query) for _ in range(2))

    assert (first.status_code, second.status_code) == (302, 400)


def test_another_services_callback_is_refused(elsewhere):
    browser = a_browser(a_person())
    away = browser.post(f"{PAGE}/facebook/link/")
    _, query = say("yes", away["Location"])

    assert browser.get(f"{PAGE}/foursquare/callback/", query).status_code == 400


def test_linking_needs_a_form_of_ours_and_somebody_signed_in(elsewhere):
    strict = a_browser(a_person(), enforce_csrf_checks=True)

    assert strict.post(f"{PAGE}/twitter/link/").status_code in (302, 403)
    assert Client().post(f"{PAGE}/twitter/link/")["Location"].startswith("/accounts/login/")
    assert Client().get(PAGE)["Location"].startswith("/accounts/login/")
    assert a_browser(a_person()).get(f"{PAGE}/twitter/link/").status_code == 405


def test_a_service_that_is_away_is_told_on_the_page(elsewhere):
    elsewhere.goes_wrong("tumblr", status=500)

    page = a_browser(a_person()).post(f"{PAGE}/tumblr/link/")

    assert page.status_code == 400
    assert b"Tumblr: answered with HTTP status 500" in page.content


def test_services_that_are_not_offered_are_not_on_the_page(settings):
    browser = a_browser(a_person())
    settings.SERVICE_KEYS = settings.SERVICE_KEYS | {"flickr": ("", "")}

    page = browser.get(PAGE).content

    assert b"Twitter" in page
    assert b"Flickr" not in page
    assert b"Posterous" not in page
    assert browser.post(f"{PAGE}/flickr/link/").status_code == 404
