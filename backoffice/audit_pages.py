"""The audit log's page."""

import json
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse

from . import audit
from .acts import ACTS
from .frame import Menu, page, shown
from .lists import PlainText, Questions, day_field, midnight, page_of
from .models import Entry

#: Kind of a target -> the page that shows one, by its id.
TARGET_PAGES: dict[str, str] = {"person": "admin:person", "photo": "admin:photo"}


class AuditQuestions(Questions):
    """What the log can be asked."""

    text = PlainText("Words of the reason")
    actor = PlainText("Who (name or id)")
    act = forms.ChoiceField(
        label="Act",
        required=False,
        choices=[("", "any"), *((name, f"{name}: {act.says}") for name, act in ACTS.items())],
    )
    target = PlainText("Target (person 5)", most=131)
    request = PlainText("Request")
    since = day_field("From")
    until = day_field("To")


@page("audit/", name="audit", act="audit.view", menu=Menu("What is going on", "Audit log", 60))
def log(request: HttpRequest) -> HttpResponse:
    """Show the log, newest first, as asked. Cost: one query on main, by index; two with words or days that are rare."""
    form = AuditQuestions(request.GET)
    every = Entry.objects.all()
    entries = _narrowed(every, form.asked()) if form.is_valid() else every.none()
    found = page_of(request, entries)
    facts = {"title": "Audit log", "form": form, "rows": [shown_entry(each) for each in found.rows],
             "older": found.older, "newer": found.newer}  # fmt: skip
    return shown(request, "audit", facts, status=200 if form.is_valid() else 400)


def _narrowed(entries: Any, asked: dict[str, Any]) -> Any:
    if "text" in asked:
        entries = audit.with_words(entries, asked["text"])
    if actor := asked.get("actor"):
        is_id = actor.isascii() and actor.isdecimal() and len(actor) < 19
        entries = entries.filter(actor_id=int(actor)) if is_id else entries.filter(actor_name=actor.lower())
    if target := asked.get("target"):
        kind, _, target_id = target.strip().partition(" ")
        entries = entries.filter(target_kind=kind.lower())
        entries = entries.filter(target_id=target_id.strip()) if target_id else entries
    for name, column in (("act", "act"), ("request", "request_id")):
        if name in asked:
            entries = entries.filter(**{column: asked[name]})
    if since := asked.get("since"):
        entries = entries.filter(at__gte=midnight(since))
    if until := asked.get("until"):
        entries = entries.filter(at__lt=midnight(until) + timedelta(days=1))
    return entries


def shown_entry(entry: Entry) -> dict[str, Any]:
    """Return an entry as the templates show it."""
    act = ACTS.get(entry.act)
    return {
        "entry": entry,
        "says": act.says if act else entry.act,
        "address": _address_of(entry),
        "changed": [
            (name, _text(was), _text(became))
            for name, was, became in _changes(entry.before, entry.after)
        ],
    }  # fmt: skip


def _changes(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    """Return what differs: (name, before, after)."""
    if not isinstance(before, dict | None) or not isinstance(after, dict | None):
        return [("", before, after)]
    was, became = before or {}, after or {}
    names = dict.fromkeys([*was, *became])
    return [(name, was.get(name), became.get(name)) for name in names if was.get(name) != became.get(name)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "–" if value is None else json.dumps(value)


def _address_of(entry: Entry) -> str:
    name = TARGET_PAGES.get(entry.target_kind)
    try:
        return reverse(name, args=[entry.target_id]) if name else ""
    except NoReverseMatch:
        return ""
