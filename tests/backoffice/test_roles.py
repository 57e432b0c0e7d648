"""Each role and each thing it may or may not do; nothing in the admin stands outside the table."""

import io
import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from accounts.clients import first_party_client
from accounts.models import Report, User
from backoffice.acts import ACTS, LEFT_OUT, MODELS, Role
from backoffice.frame import PAGES
from backoffice.frame import page as register_page
from backoffice.models import Entry
from backoffice.roles import may, role_of, set_role
from moderation.models import Case, Decision, Kind, Verdict
from monitoring.alerts import silences
from tests.support.people import a_person
from tests.support.staff import a_staff, staff_person
from tests.support.store import photo_id

reverse("admin:index")  # the site's addresses, and with them the pages, are made at the first look-up
#: Django's own, which need no role: the door.
OPEN = {"login", "logout", "jsi18n"}
#: Django's own behind the role alone: the front page, and what leads to it.
FRONT = {"index", "app_list", None}
R, S, M, A = Role.READ_ONLY, Role.SUPPORT, Role.MODERATOR, Role.ADMIN
#: Who may do what, as it was decided: written down a second time, so that no act wanders to another role unnoticed.
DECIDED: dict[str, set[Role]] = {
    "office.view": {R, S, M, A},
    "office.second_factor": {R, S, M, A},
    "people.view": {R, S, M, A},
    "people.contact": {S, A},
    "people.private_photos": {M, A},
    "people.suspend": {M, A},
    "people.unsuspend": {M, A},
    "people.deactivate": {S, A},
    "people.reactivate": {S, A},
    "people.delete": {A},
    "people.reset_password": {S, A},
    "people.make_private": {S, M, A},
    "people.sign_out": {S, M, A},
    "people.export": {S, A},
    "people.fetch_export": {A},
    "photos.view": {R, S, M, A},
    "photos.take_down": {M, A},
    "feeds.explain": {S, M, A},
    "reports.view": {R, S, M, A},
    "reports.open": {M, A},
    "reports.claim": {M, A},
    "reports.release": {M, A},
    "reports.decide": {M, A},
    "reports.undo": {M, A},
    "decisions.view": {R, S, M, A},
    "applications.view": {R, S, M, A},
    "applications.change": {A},
    "backups.view": {R, S, M, A},
    "audit.view": {R, A},
    "switches.view": {R, S, M, A},
    "switches.turn": {A},
    "alerts.view": {R, S, M, A},
    "alerts.silence": {A},
    "jobs.view": {R, A},
    "jobs.requeue": {A},
    "jobs.discard": {A},
    "slow.view": {R, A},
    "spam.view": {R, M, A},
    "spam.change": {M, A},
    "dashboards.view": {R, S, M, A},
    "staff.view": {R, A},
    "staff.change": set(),
    "staff.sign_in": set(),
    "staff.sign_in_refused": set(),
    "staff.code_refused": set(),
    "office.refused": set(),
    "operations.run": set(),
}
#: Pages whose example is not there: what a GET of theirs answers.
NOT_THERE = {"dead-letter-requeue": 409, "dead-letter-discard": 409}


@pytest.fixture(scope="module")
def desks(test_databases, django_db_blocker):
    with django_db_blocker.unblock():
        yield {role: a_staff(role) for role in Role}


@pytest.fixture(scope="module")
def targets(test_databases, django_db_blocker):
    """Return what addresses name: a person, their photo, a case, a decision about it, a silence."""
    with django_db_blocker.unblock():
        person = a_person()
        number = photo_id(person.upload())
        about = {"kind": Kind.MEDIA, "target_id": number, "about_user_id": person.id}
        case = Case.objects.create(**about)
        # Undone already, so that no page can undo it.
        decision = Decision.objects.create(
            case=case, verdict=Verdict.DISMISS, reason="-", undone_at=timezone.now(), **about
        )
        yield {
            "user_id": person.id,
            "photo_id": number,
            "target_id": number,
            "case_id": case.pk,
            "decision_id": decision.pk,
            "silence_id": silences.add(alert="none", minutes=1, why="-", by="-").pk,
        }


def address_of(page, targets):
    return reverse(f"admin:{page.name}", kwargs={name: targets.get(name, page.example[name]) for name in page.example})


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", Role)
def test_a_page_opens_for_the_roles_of_its_act_and_for_no_other(role, name, desks, targets):
    page = PAGES[name]
    browser, address = desks[role].browser, address_of(page, targets)
    answers = [getattr(browser, verb.lower())(address) for verb in page.methods]

    if role not in DECIDED[page.act]:
        assert {answer.status_code for answer in answers} == {403}
        return
    told = {verb: answer.status_code for verb, answer in zip(page.methods, answers, strict=True)}
    assert {told[verb] for verb in ("GET", "HEAD") if verb in told} <= {NOT_THERE.get(name, 200)}
    # Without a reason no POST does anything.
    assert told.get("POST", 200) in {200, 302, 400, 409, NOT_THERE.get(name)}


@pytest.mark.parametrize("label", MODELS)
@pytest.mark.parametrize("role", Role)
def test_a_registered_model_opens_by_the_same_table(role, label, desks):
    app, model = label.split(".")
    row = first_party_client().pk if model == "oauthclient" else a_report().pk
    browser = desks[role].browser
    found = {
        "view": browser.get(reverse(f"admin:{app}_{model}_changelist")).status_code,
        "add": browser.get(reverse(f"admin:{app}_{model}_add")).status_code,
        "delete": browser.post(reverse(f"admin:{app}_{model}_delete", args=[row]), {"post": "yes"}).status_code,
    }
    changed = browser.post(reverse(f"admin:{app}_{model}_change", args=[row]), {})

    allowed = {verb: role in DECIDED[MODELS[label][verb]] if verb in MODELS[label] else False for verb in found}
    assert found == {verb: 200 if yes else 403 for verb, yes in allowed.items()}
    may_change = label == "accounts.oauthclient" and role in DECIDED[MODELS[label]["change"]]
    assert changed.status_code == (200 if may_change else 403)


def a_report():
    reporter = a_person()
    return Report.objects.create(
        reporter_id=reporter.id, kind="user", target_id=reporter.id, about_user_id=reporter.id, reason="spam"
    )


def test_every_address_of_the_admin_is_a_page_with_an_act_or_a_model_in_the_table():
    _, namespaces = get_resolver().namespace_dict["admin"]
    names = set()
    walk(namespaces.url_patterns, names)

    models = {
        f"{label.replace('.', '_')}_{verb}"
        for label in MODELS
        for verb in ("changelist", "add", "history", "delete", "change")
    }
    assert names - OPEN - FRONT - models == set(PAGES)
    assert all(page.act in ACTS for page in PAGES.values())


def walk(patterns, names):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            walk(pattern.url_patterns, names)
        else:
            names.add(pattern.name)


def test_every_act_is_for_the_roles_it_was_decided_for():
    assert {name: set(act.roles) for name, act in ACTS.items()} == DECIDED


def test_what_is_dangerous_or_private_is_marked_and_read_only_changes_nothing():
    assert {name for name, act in ACTS.items() if act.dangerous} == {
        "people.delete", "people.export", "people.fetch_export", "applications.change", "jobs.discard"
    }  # fmt: skip
    assert {name for name, act in ACTS.items() if act.private} == {
        "people.contact", "people.private_photos", "people.fetch_export"
    }  # fmt: skip
    assert [name for name, act in ACTS.items() if R in act.roles and act.changes] == []


def test_a_page_without_a_line_in_the_table_cannot_be_made():
    with pytest.raises(ValueError, match="no table"):
        register_page("nowhere/", name="nowhere", act="nowhere.view")


def test_a_model_without_a_line_in_the_table_cannot_be_registered():
    with pytest.raises(ImproperlyConfigured, match="no table"):
        admin.site.register(User)
    assert {model._meta.label_lower for model in admin.site._registry} == set(MODELS)
    assert not LEFT_OUT & set(MODELS)


def test_djangos_own_permissions_open_nothing():
    desk = a_staff(Role.READ_ONLY)
    user = User.objects.get(pk=desk.id)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))

    client = reverse("admin:accounts_oauthclient_change", args=[first_party_client().pk])
    assert desk.browser.post(client, {"name": "mine", "why": "because"}).status_code == 403
    assert desk.get(f"people/{a_person().id}/suspend/").status_code == 403


def test_staff_without_a_role_and_everybody_else_are_led_to_the_door():
    person = a_person()
    User.objects.filter(pk=person.id).update(is_staff=True)
    for browser in (Client(), Client()):
        assert browser.get("/admin/people/")["Location"].startswith("/admin/login/")
        browser.force_login(User.objects.get(pk=person.id))
        assert browser.get("/admin/people/")["Location"].startswith("/admin/login/")


def test_the_menu_shows_what_the_role_may_open(desks):
    assert b"/admin/audit/" in desks[Role.ADMIN].get("").content
    assert b"/admin/audit/" not in desks[Role.SUPPORT].get("").content


def test_the_command_gives_and_takes_roles_and_writes_it_down():
    person = a_person()
    call_command("staff", "add", person.username, role="support", why="new at the desk", stdout=io.StringIO())
    assert role_of(User.objects.get(pk=person.id)) is Role.SUPPORT
    call_command("staff", "add", person.username, role="moderator", stdout=io.StringIO())
    user = User.objects.get(pk=person.id)
    assert may(user, "people.suspend")
    assert list(Group.objects.filter(user=user).values_list("name", flat=True)) == ["moderator"]
    listed = io.StringIO()
    call_command("staff", "list", stdout=listed)
    assert re.search(rf"{re.escape(person.username)} +moderator", listed.getvalue())
    call_command("staff", "remove", person.username, stdout=io.StringIO())

    assert role_of(User.objects.get(pk=person.id)) is None
    told = Entry.objects.filter(act="staff.change", target_id=str(person.id)).order_by("id")
    assert [(row.before["role"], row.after["role"]) for row in told] == [
        (None, "support"), ("support", "moderator"), ("moderator", None)
    ]  # fmt: skip


@pytest.mark.parametrize("words", [("add", "nobody.is.this"), ("remove", "nobody.is.this")])
def test_the_command_refuses_who_is_not_there(words):
    more = {"role": "admin"} if words[0] == "add" else {}
    with pytest.raises(CommandError) as refused:
        call_command("staff", *words, **more)
    assert refused.value.returncode == 2


def test_removing_staff_ends_their_session():
    desk = a_staff(Role.ADMIN)
    call_command("staff", "remove", desk.username, stdout=io.StringIO())

    assert desk.get("people/")["Location"].startswith("/admin/login/")


def test_a_deactivated_or_suspended_staff_member_has_no_role():
    person = staff_person(Role.ADMIN)
    user = User.objects.get(pk=person.id)
    user.is_active = False
    assert role_of(user) is None
    set_role(User.objects.get(pk=person.id), None)
    assert not may(User.objects.get(pk=person.id), "people.view")
