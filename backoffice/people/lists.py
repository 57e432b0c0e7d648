"""The list of people."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.db import models
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.models import Deletion, User
from backoffice.frame import Menu, page, shown
from backoffice.lists import PlainText, Questions, ServerField, ShardField, day_field, midnight, page_of
from backoffice.roles import may
from sharding import server_named, shard_numbered, shards_on

from .finding import FOUND_MOST, people_found

_STATES = [
    ("", "any"),
    ("here", "here"),
    ("suspended", "suspended"),
    ("deactivated", "deactivated"),
    ("going", "being deleted"),
]


class PeopleQuestions(Questions):
    """What the list can be asked."""

    q = PlainText("Id, @name, name, photo's id, code or link", most=300)
    state = forms.ChoiceField(label="State", required=False, choices=_STATES)
    private = forms.ChoiceField(
        label="Account", required=False, choices=[("", "any"), ("1", "private"), ("0", "public")]
    )
    server = ServerField()
    shard = ShardField()
    staff = forms.BooleanField(label="Staff only", required=False)
    since = day_field("Joined from")
    until = day_field("to")

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.GET)
        if may(request.user, "people.contact"):
            self.fields["q"].label = "Id, @name, name, e-mail, phone, photo's id, code or link"


@page("people/", name="people", act="people.view", menu=Menu("People", "People", 10))
def people(request: HttpRequest) -> HttpResponse:
    """Show people, newest first. Cost: one query on main, with a search up to six more and one on a shard."""
    form = PeopleQuestions(request)
    asked = form.asked() if form.is_valid() else {}
    found = page_of(request, _asked_for(request, asked) if form.is_valid() else User.objects.none())
    note = f"The first {FOUND_MOST} that fit are searched; say more to find others." if asked.get("q") else ""
    facts = {"title": "People", "form": form, "rows": [row_of(user) for user in found.rows],
             "older": found.older, "newer": found.newer, "note": note}  # fmt: skip
    return shown(request, "people", facts, status=200 if form.is_valid() else 400)


def row_of(user: User) -> dict[str, Any]:
    """Return a person as lists show them."""
    shard = shard_numbered(user.pk % settings.LOGICAL_SHARDS)
    return {"user": user, "states": states_of(user), "shard": shard.number, "server": shard.server.name}


def states_of(user: User) -> list[tuple[str, str]]:
    """Return words for how an account is, each with its colour's class."""
    words = []
    if not user.is_active:
        words.append(("suspended", "bad"))
    if user.deactivated_at is not None:
        words.append(("deactivated", "warn"))
    if user.is_private:
        words.append(("private", ""))
    if user.is_staff:
        words.append(("staff", "good"))
    return words


def _asked_for(request: HttpRequest, asked: dict[str, Any]) -> QuerySet[User]:
    people = User.objects.all()
    if text := asked.get("q"):
        people = people.filter(pk__in=people_found(request, text))
    if state := asked.get("state"):
        people = people.filter(_in_state(state))
    if "private" in asked:
        people = people.filter(is_private=asked["private"] == "1")
    if asked.get("staff"):
        people = people.filter(is_staff=True)
    numbers = {asked["shard"]} if "shard" in asked else None
    if "server" in asked:
        on_server = {shard.number for shard in shards_on(server_named(asked["server"]))}
        numbers = on_server if numbers is None else numbers & on_server
    if numbers is not None:
        people = people.annotate(shard=_shard()).filter(shard__in=numbers)
    if since := asked.get("since"):
        people = people.filter(date_joined__gte=midnight(since))
    if until := asked.get("until"):
        people = people.filter(date_joined__lt=midnight(until) + timedelta(days=1))
    return people


def _in_state(state: str) -> Q:
    open_deletions = Deletion.objects.filter(finished_at=None).values("user_id")
    return {
        "here": Q(is_active=True, deactivated_at=None),
        "suspended": Q(is_active=False) & ~Q(pk__in=open_deletions.exclude(started_at=None)),
        "deactivated": Q(deactivated_at__isnull=False),
        "going": Q(pk__in=open_deletions),
    }[state]


def _shard() -> models.Func:
    """Return the expression of a person's logical shard."""
    return models.Func(F("id"), settings.LOGICAL_SHARDS, function="MOD", output_field=models.IntegerField())
