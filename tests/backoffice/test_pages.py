"""Whatever is asked of the admin's pages, the answer is a page, and never a 500."""

import pytest
from django.test import Client

from backoffice.acts import Role
from tests.support.staff import a_staff

BIG = "9" * 30


@pytest.fixture(scope="module")
def desk(test_databases, django_db_blocker):
    with django_db_blocker.unblock():
        yield a_staff(Role.ADMIN)


@pytest.mark.parametrize(
    "path",
    [
        "accounts/oauthclient/?q=%00x",
        "accounts/oauthclient/?owner__password__startswith=a",
        f"accounts/oauthclient/{BIG}/change/",
        "accounts/oauthclient/?o=99",
        "accounts/",
        "nothing/at/all/",
        "auth/group/",
        "accounts/user/",
        "password_change/",
        f"people/{BIG}/",
        "people/0/",
        f"people/{BIG}/suspend/",
        f"people/?before={BIG}",
        "people/?before=x&after=y",
        "people/?after=0",
        f"audit/?target=person+{BIG}",
        f"audit/?actor={BIG}",
        "audit/?actor=%00",
        "audit/?target=%00+%00",
        "audit/?text=%27%20%26%20%21",
        "explain_feed/?photo=%00&viewer=x",
        f"explain_feed/?photo={BIG}&viewer={BIG}",
        "prove/?next=https://evil.example/",
        "jsi18n/",
        "accounts/report/",
        "accounts/oauthclient/abc/history/",
        "recovery/archived/abc/change/",
        "people/?q=http://[",
        "photos/?person=http://[",
        "photos/?photo=%00",
        f"photos/{2**63 - 1}/",
        f"photos/?after={BIG}",
        f"comments/?photo={2**63 - 1}",
        f"likes/?photo={2**63 - 1}",
        "people/?until=9999-12-31",
        "photos/?until=9999-12-31",
        "follows/?since=9999-12-31",
        "audit/?until=9999-12-31",
        "audit/?since=0001-01-01",
        "reports/?after=nan,1",
        f"reports/?after=1,{BIG}",
        f"reports/{BIG}/",
        f"decisions/{BIG}/undo/",
        "decisions/?moderator=%00",
        "dead_letters/?task=%00",
        f"dead_letters/main/{BIG}/requeue/",
        "slow/?text=%00",
        "switches/short_feeds/sideways/",
        "switches/short_feeds/on/?target=%00",
        "alerts/silence/?alert=%00",
        f"alerts/silences/{BIG}/end/",
        f"spam/1/preview/?texts={BIG}",
    ],
)
def test_nonsense_is_answered(path, desk):
    assert desk.browser.get(f"/admin/{path}").status_code < 500


@pytest.mark.parametrize(
    ("path", "facts"),
    [
        ("reports/next/", {"kind": "\x00", "source": "\x00"}),
        (f"reports/{BIG}/claim/", {}),
        (f"reports/{BIG}/decide/", {"verdict": "remove", "why": "\x00"}),
        (f"photos/{2**63 - 1}/private/", {}),
        (f"people/{BIG}/contact/", {}),
        ("switches/short_feeds/on/", {"why": "x", "target": "nope", "minutes": BIG}),
        ("alerts/silence/", {"why": "x", "alert": "\x00", "minutes": BIG}),
        ("spam/1/", {"why": "x", "texts": BIG}),
        ("second_factor/", {"code": "\x00"}),
    ],
)
def test_nonsense_in_a_form_is_answered(path, facts, desk):
    assert desk.browser.post(f"/admin/{path}", facts).status_code < 500


def test_logging_out_ends_at_a_page_and_the_way_back_is_the_door():
    desk = a_staff(Role.SUPPORT)

    assert desk.post("logout/").status_code == 200
    assert desk.get("people/")["Location"].startswith("/admin/login/")


def test_a_form_without_its_token_is_refused(desk):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = desk.browser.cookies

    assert browser.get("/admin/people/").status_code == 200
    assert browser.post(f"/admin/people/{desk.id}/contact/").status_code == 403
