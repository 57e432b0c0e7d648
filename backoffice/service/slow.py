"""Requests and jobs that took too long: where their time went, and what they were doing when they were looked at."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from backoffice.frame import Menu, page, panel, shown
from backoffice.lists import PlainText, Questions
from monitoring import slow
from monitoring.costs import OTHERS

#: Entries on the page.
COUNT = 50


class SlowQuestions(Questions):
    """What the list can be asked."""

    text = PlainText("Address, task, or request id")
    kind = forms.ChoiceField(
        label="What", required=False, choices=[("", "any"), ("request", "requests"), ("job", "jobs")]
    )
    least = forms.IntegerField(label="At least, ms", required=False, min_value=0, max_value=10**9)


@page("slow/", name="slow", act="slow.view", menu=Menu("Service", "Slow requests", 50))
def slow_requests(request: HttpRequest) -> HttpResponse:
    """Show the newest, as kept in Redis. Cost: one round trip, of slow.KEPT entries."""
    form = SlowQuestions(request.GET)
    facts: dict[str, Any] = {
        "title": "Slow requests", "form": form, "rows": [],
        "note": f"The last {slow.KEPT} of all processes: requests over {settings.SLOW_REQUEST_S:g} s, "
        f"jobs over {settings.SLOW_JOB_S:g} s.",
    }  # fmt: skip
    if not form.is_valid():
        return shown(request, "service/slow", facts, status=400)
    asked = form.asked()
    found = [entry for entry in slow.recent() if _fits(entry, asked)]
    facts["rows"] = [entry | _told(entry) for entry in found[:COUNT]]
    if len(found) > COUNT:
        facts["note"] += f" Shown are the newest {COUNT} of {len(found)} that fit."
    return shown(request, "service/slow", facts)


@panel("Slow", act="slow.view", order=50)
def slow_lately() -> tuple[str, str, str]:
    """Count what was slow in the last hour. Cost: as slow.recent()."""
    now = datetime.now().astimezone()
    seconds = [(now - datetime.fromisoformat(entry["time"])).total_seconds() for entry in slow.recent()]
    number = sum(each < 3_600 for each in seconds)
    return f"over {number}" if number == slow.KEPT else str(number), "slow in the last hour", reverse("admin:slow")


def _fits(entry: dict[str, Any], asked: dict[str, Any]) -> bool:
    words = f"{entry.get('name', '')} {entry.get('path', '')} {entry.get('request_id', '')}"
    return (
        asked.get("text", "").lower() in words.lower()
        and asked.get("kind", entry["kind"]) == entry["kind"]
        and entry["ms"] >= asked.get("least", 0)
    )


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what the page says of an entry: when, and where the time went, largest first."""
    spent = entry.get("spent", {})
    parts = {f"SQL on {server}": costs for server, costs in spent.get("sql", {}).items()}
    parts |= {name: spent[name] for name in OTHERS if spent.get(name)}
    lines = [(name, costs.get("queries", costs.get("times", 0)), costs.get("ms", 0.0)) for name, costs in parts.items()]
    lines = [line for line in lines if line[1] or line[2]]
    own = spent.get("own_code_ms", 0.0)
    return {
        "when": datetime.fromisoformat(entry["time"]),
        "seconds": entry["ms"] / 1_000,
        "parts": sorted([*lines, ("own code and the wait for a core", "", own)], key=lambda line: -line[2]),
        "stacks": [{"at_s": stack["at_ms"] / 1_000, "frames": stack["frames"]} for stack in entry.get("stacks", [])],
    }
