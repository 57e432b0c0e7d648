"""The queue: what waits, the heaviest and longest waiting first."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import Report, User
from backoffice.frame import Menu, page, shown
from backoffice.lists import Questions
from backoffice.sharded.reading import photos_with
from moderation import queue
from moderation.models import Case, Kind

from .facts import is_open, thumbnail_of, word_of

#: Cases on a page.
COUNT = 30
_SOURCES = [
    ("", "any"),
    ("reports", "people"),
    ("look_alike", "look-alikes"),
    ("spam", "rules against spam"),
    ("staff", "staff"),
]


class CaseQuestions(Questions):
    """What the queue can be asked."""

    kind = forms.ChoiceField(
        label="What",
        required=False,
        choices=[("", "anything"), *((kind.value, f"{word_of(kind)}s".replace("persons", "people")) for kind in Kind)],
    )
    source = forms.ChoiceField(label="Found by", required=False, choices=_SOURCES)
    reason = forms.ChoiceField(label="Reason", required=False, choices=[("", "any"), *Report.Reason.choices])
    holder = forms.ChoiceField(label="Looked at by", required=False, choices=[("", "anybody"), ("me", "me")])
    about = forms.IntegerField(label="About person, id", required=False, min_value=1, max_value=2**62)


def asked_of(request: HttpRequest) -> dict[str, Any]:
    """Return what the queue is narrowed to, by a page's address or form; nonsense narrows nothing."""
    form = CaseQuestions(request.POST if request.method == "POST" else request.GET)
    return form.asked() if form.is_valid() else {}


def waiting_for(request: HttpRequest, asked: Mapping[str, Any]) -> QuerySet[Case]:
    """Return the cases that a question (asked_of()) narrows the queue to, in the queue's order."""
    return queue.open_cases(**{**asked, "holder": request.user.pk if "holder" in asked else None})


@page("reports/", name="cases", act="reports.view", menu=Menu("What is going on", "Reports", 10))
def cases(request: HttpRequest) -> HttpResponse:
    """Show the queue. Cost: two queries on main, one per server for the pictures."""
    form = CaseQuestions(request.GET)
    if not form.is_valid():
        return shown(request, "cases", {"title": "Reports", "form": form, "rows": []}, status=400)
    asked = form.asked()
    waiting = waiting_for(request, asked)
    found = list(queue.page_of(waiting, after=_cursor(request), count=COUNT + 1))
    rows = found[:COUNT]
    people = User.objects.in_bulk({each.about_user_id for each in rows})
    shown_photos = [
        each.target_id for each in rows if each.kind == Kind.MEDIA and is_open(people.get(each.about_user_id))
    ]
    thumbnails = {number: thumbnail_of(photo) for number, photo in photos_with(shown_photos).items()}
    older = ""
    if len(found) > COUNT:
        query = request.GET.copy()
        query["after"] = f"{rows[-1].rank!r},{rows[-1].pk}"
        older = f"{reverse('admin:cases')}?{query.urlencode()}"
    facts: dict[str, Any] = {
        "title": "Reports", "form": form, "older": older, "asked": asked, "query": urlencode(asked),
        "rows": [
            {
                "case": each, "what": word_of(each.kind), "owner": people.get(each.about_user_id),
                "held_by": queue.held_by(each), "thumbnail": thumbnails.get(each.target_id, ""),
            }
            for each in rows
        ],
    }  # fmt: skip
    return shown(request, "cases", facts)


def _cursor(request: HttpRequest) -> queue.Cursor | None:
    rank, _, case_id = request.GET.get("after", "").partition(",")
    try:
        return queue.Cursor(float(rank), min(int(case_id), 2**63 - 1))
    except ValueError:
        return None
