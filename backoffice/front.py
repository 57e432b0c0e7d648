"""The boxes of the front page: a number each, cheap, and left out when what it asks does not answer."""

from typing import Any

from django.db import DatabaseError
from django.urls import reverse

from accounts.models import Deletion, Suspension
from instagram.errors import APIError
from moderation.models import Case
from sharding import ShardUnavailable

from .frame import PANELS, panel
from .roles import may

#: Numbers above are not counted out.
COUNTED_MOST = 10_000


def read_panels(user: Any) -> list[dict[str, str]]:
    """Return the boxes this person may read, in order; one that does not answer says so."""
    boxes = []
    for one in sorted(PANELS, key=lambda each: (each.order, each.title)):
        if not may(user, one.act):
            continue
        try:
            text, detail, address = one.read()
        except (APIError, ShardUnavailable, DatabaseError):
            text, detail, address = "?", "does not answer", ""
        boxes.append({"title": one.title, "text": text, "detail": detail, "address": address})
    return boxes


def counted(rows: Any) -> str:
    """Return how many rows a queryset has, counted to COUNTED_MOST at most."""
    number = rows.order_by()[: COUNTED_MOST + 1].count()
    return f"{number:,}" if number <= COUNTED_MOST else f"over {COUNTED_MOST:,}"


@panel("Reports", act="reports.view", order=10)
def open_cases() -> tuple[str, str, str]:
    """Count what waits for a moderator."""
    return counted(Case.objects.filter(closed_at=None)), "waiting for a decision", reverse("admin:cases")


@panel("Suspended", act="people.view", order=20)
def suspended() -> tuple[str, str, str]:
    """Count who is shut out."""
    return counted(Suspension.objects.all()), "people shut out by staff", reverse("admin:people") + "?state=suspended"


@panel("Deletions", act="people.view", order=30)
def deletions() -> tuple[str, str, str]:
    """Count the deletions under way, and those to come."""
    running = counted(Deletion.objects.filter(finished_at=None).exclude(started_at=None))
    waiting = counted(Deletion.objects.filter(finished_at=None, started_at=None))
    return running, f"under way, {waiting} to come", reverse("admin:people") + "?state=going"
