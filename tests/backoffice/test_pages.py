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
        "accounts/report/?q=abc",
        f"accounts/report/?q={BIG}",
        "accounts/report/?q=%00",
        "accounts/report/?review__exact=odd",
        "accounts/report/?id__exact=abc",
        "accounts/report/?p=abc",
        "accounts/report/abc/change/",
        f"accounts/report/{BIG}/change/",
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
    ],
)
def test_nonsense_is_answered(path, desk):
    assert desk.browser.get(f"/admin/{path}").status_code < 500


def test_logging_out_ends_at_a_page_and_the_way_back_is_the_door():
    desk = a_staff(Role.SUPPORT)

    assert desk.post("logout/").status_code == 200
    assert desk.get("people/")["Location"].startswith("/admin/login/")


def test_a_form_without_its_token_is_refused(desk):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = desk.browser.cookies

    assert browser.get("/admin/people/").status_code == 200
    assert browser.post(f"/admin/people/{desk.id}/contact/").status_code == 403
