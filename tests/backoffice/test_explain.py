"""The admin's page that explains feeds."""

import pytest
from django.test import Client

from backoffice.acts import Role
from sharding.ids import shortcode_of
from tests.feeds.test_explain import delivered
from tests.support.staff import a_staff

PAGE = "/admin/explain_feed/"


def test_staff_who_may_look_at_people_are_told_the_verdict_and_the_facts():
    _, viewer, photo = delivered()
    browser = a_staff(Role.SUPPORT).browser

    assert PAGE.encode() in browser.get("/admin/").content
    assert b"Explain" in browser.get(PAGE).content
    answer = browser.get(PAGE, {"photo": f"http://instagr.am/p/{shortcode_of(photo)}/", "viewer": viewer.username})

    assert answer.context["explanation"].photo_id == photo
    assert b"Shown: it is in the inbox; batch 1 of its fan-out served the viewer at " in answer.content
    assert b"follows since " in answer.content


@pytest.mark.parametrize(
    ("photo", "viewer", "said"),
    [
        ("not a photo", "1", "is not a short code"),
        ("1", "nobody.at.all", "Nobody is called nobody.at.all."),
        ("1", "<b>\x00", "Nobody is called &lt;b&gt;."),
        ("9" * 30, "1", "Photo: "),
        ("1", "9" * 30, "no such"),
    ],
)
def test_whatever_is_asked_the_page_answers(photo, viewer, said):
    answer = a_staff(Role.SUPPORT).browser.get(PAGE, {"photo": photo, "viewer": viewer})

    assert answer.status_code == 200
    assert said in answer.content.decode()


def test_nobody_else_is_told():
    assert Client().get(PAGE)["Location"].startswith("/admin/login/")
    assert a_staff(Role.READ_ONLY).browser.get(PAGE).status_code == 403
