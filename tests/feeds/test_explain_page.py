"""The admin's page that explains feeds."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from sharding.ids import shortcode_of
from tests.feeds.test_explain import delivered
from tests.support.people import a_person

PAGE = "/admin/explain_feed/"


def staff(*permissions):
    user = User.objects.get(pk=a_person().id)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Client()
    browser.force_login(User.objects.get(pk=user.pk))
    return browser


def test_staff_who_may_look_at_people_are_told_the_verdict_and_the_facts():
    _, viewer, photo = delivered()
    browser = staff("view_user")

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
    answer = staff("view_user").get(PAGE, {"photo": photo, "viewer": viewer})

    assert answer.status_code == 200
    assert said in answer.content.decode()


def test_nobody_else_is_told():
    assert Client().get(PAGE)["Location"].startswith("/admin/login/")
    assert staff().get(PAGE).status_code == 403
