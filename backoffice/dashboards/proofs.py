"""Proofs that it works: the canary photo, backups and the drills that restored them; and what was deployed."""

from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from backoffice.frame import Menu, page
from monitoring import slow
from monitoring.canary import alert_text, last_results
from monitoring.canary.results import STAGES
from recovery.models import Archived, Backup, Deployment, Drill

from . import svg
from .cards import Card, drawn, tag

#: Rows of each table.
COUNT = 10


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
    """Show them. Cost: one query on main, one round trip to Redis."""
    releases: dict[str, set[int]] = {settings.RELEASE or "a clone, no release": set()}
    for entry in slow.recent():
        releases.setdefault(entry.get("release") or "a clone, no release", set()).add(entry["process"])
    log = list(Deployment.objects.order_by("-at")[:COUNT])
    cards = [
        Card(
            "What runs", texts=[f"This process serves {settings.RELEASE or 'a clone, no release'}."],
            head=["release", "processes with slow requests lately"],
            rows=[[name, len(processes)] for name, processes in releases.items()],
        ),
        Card(
            "Deployments", wide=True, empty="None was noted: fab deploy does it when it ends.",
            chart=svg.bars([(row.release, row.seconds) for row in log], title="Time of deployments", unit="s")
            if log else "",
            head=["at (UTC)", "release", "before", "who", "outcome", "hosts", "took", "why"],
            rows=[
                [_moment(row.at), row.release, row.before, row.who,
                 tag(row.outcome, "good" if row.outcome == "done" else "bad"), row.hosts,
                 svg.shown(row.seconds, "s"), row.why]
                for row in log
            ],
        ),
    ]  # fmt: skip
    return drawn(request, "Deploys", cards)


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
