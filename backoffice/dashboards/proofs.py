"""Proofs that it works: the canary photo, backups and the drills that restored them; and what was deployed."""

import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from backoffice.frame import Menu, page
from monitoring import slow
from monitoring.canary import alert_text, last_results
from monitoring.canary.results import STAGES
from recovery.models import Archived, Backup, Drill

from . import svg
from .cards import Card, drawn, tag

#: Rows of each table; bytes that are read from the end of the log of deployments.
COUNT, LOG_BYTES = 10, 64_000


@page("dashboards/proofs/", name="proofs", act="dashboards.view", menu=Menu("Dashboards", "Canary and drills", 70))
def proofs(request: HttpRequest) -> HttpResponse:
    """Show them. Cost: one round trip to Redis, three queries on main."""
    drills = list(Drill.objects.order_by("-ended_at")[:COUNT])
    backups = Backup.objects.order_by("-began_at")[:COUNT]
    cards = [
        _canary(),
        Card(
            "Drills: backups that were restored", empty="No backup was restored yet: manage.py drill.",
            chart=svg.bars([(f"{each.ended_at:%m-%d %H:%M}", each.seconds) for each in drills],
                           title="Time of drills", unit="s")
            if drills else "",
            head=["proven (UTC)", "backup", "", "restorable to (UTC)", "tables", "rows", "photos", "took"],
            rows=[
                [_moment(each.ended_at), each.label,
                 tag("ok", "good") if each.ok else tag(each.why or "failed", "bad"),
                 _moment(each.restorable_to), each.tables, svg.shown(each.rows), each.photos,
                 svg.shown(each.seconds, "s")]
                for each in drills
            ],
        ),
        Card(
            "Backups", empty="Nothing was backed up yet.", wide=True,
            head=["began (UTC)", "", "servers", "databases", "stored", "photos"],
            rows=[
                [_moment(each.began_at), tag(each.state, {"failed": "bad", "done": "good"}.get(each.state, "")),
                 each.servers, svg.shown(each.database_bytes, "bytes"), svg.shown(each.stored_bytes, "bytes"),
                 svg.shown(each.object_count)]
                for each in backups
            ],
        ),
        Card(
            "Until when each server can be restored", empty="No write-ahead log is in the archive.",
            head=["server", "until (UTC)"],
            rows=[[each.server, _moment(each.at)] for each in Archived.objects.order_by("server")],
        ),
    ]  # fmt: skip
    return drawn(request, "Canary and drills", cards)


@page("dashboards/deploys/", name="deploys", act="dashboards.view", menu=Menu("Dashboards", "Deploys", 80))
def deploys(request: HttpRequest) -> HttpResponse:
    """Show them. Cost: the end of a file, one round trip to Redis."""
    releases: dict[str, set[int]] = {settings.RELEASE or "a clone, no release": set()}
    for entry in slow.recent():
        releases.setdefault(entry.get("release") or "a clone, no release", set()).add(entry["process"])
    log = deployments(settings.DEPLOYS_LOG)
    cards = [
        Card(
            "What runs", texts=[f"This process serves {settings.RELEASE or 'a clone, no release'}."],
            head=["release", "processes with slow requests lately"],
            rows=[[name, len(processes)] for name, processes in releases.items()],
        ),
        None if log is None else Card(
            "Deployments", wide=True, empty="None was noted.",
            chart=svg.bars([(row["release"], row["seconds"]) for row in log], title="Time of deployments", unit="s")
            if log else "",
            head=["at (UTC)", "release", "before", "who", "outcome", "hosts", "took", "why"],
            rows=[
                [row["at"][:16], row["release"], row["before"], row["who"],
                 tag(row["outcome"], "good" if row["outcome"] == "done" else "bad"), row["hosts"],
                 svg.shown(row["seconds"], "s"), row["why"]]
                for row in log
            ],
        ),
    ]  # fmt: skip
    note = (
        ""
        if log is not None
        else "The log of deployments is on the first app host (fab history); DEPLOYS_LOG names none here."
    )
    return drawn(request, "Deploys", cards, note=note)


def deployments(name: str) -> list[dict[str, Any]] | None:
    """Return the latest deployments of a log, newest first; None where there is no such file, or it cannot be read."""
    if not name:
        return None
    try:
        with Path(name).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - LOG_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    return list(islice(filter(None, map(_deployment, reversed(lines))), COUNT))


def _deployment(line: str) -> dict[str, Any] | None:
    """Return a line of the log, None for one that is none: the first may be cut."""
    try:
        row = json.loads(line)
        known = {name: str(row[name]) for name in ("release", "before", "who", "at", "outcome")}
        return known | {"seconds": float(row["seconds"]), "hosts": int(row["hosts"]), "why": str(row.get("why", ""))}
    except (ValueError, KeyError, TypeError):
        return None


def _canary() -> Card:
    found = last_results()
    title = "Canary photo"
    if found is None:
        return Card(title, empty="It has not flown lately: manage.py canary.")
    flights = found["flights"]
    known = [(flight["server"], flight["post_to_feed_s"]) for flight in flights]
    rows = [
        [flight["server"],
         tag("paused", "warn") if flight["paused"] else tag("well", "good") if flight["ok"]
         else tag(f"stalls at {flight['stage']}", "bad"),
         *(svg.shown(flight["seconds"].get(stage), "s") for stage in STAGES),
         flight["error"] or flight["paused"] or ""]
        for flight in flights
    ]  # fmt: skip
    last = f"Last flight {_moment(datetime.fromtimestamp(found['at'], tz=UTC))} UTC, {found['age_s']:.0f} s ago."
    wrong = alert_text(found)
    return Card(
        title, svg.bars(known, title="From posting to the last reader's feed", unit="s"),
        texts=[last, *([f"Wrong: {wrong}."] if wrong else [])],
        head=["server", "", *STAGES, ""], rows=rows,
    )  # fmt: skip


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "–"
