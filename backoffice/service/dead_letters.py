"""Jobs that failed too often: why each did, and putting them back."""

from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from backoffice.audit import Target
from backoffice.deeds import Deed, perform
from backoffice.frame import Menu, page, panel, shown
from backoffice.lists import PlainText, Questions, ServerField
from instagram.errors import APIError, NotFound
from jobs import dead_letters
from monitoring.scrubbing import without_people
from sharding import Server, ShardUnavailable, all_servers, gather, server_named

#: Letters of each server on the page, and characters of arguments and errors that are shown.
COUNT, ARGUMENTS, ERROR = 100, 200, 300
#: Letters of each server that one press puts back, and in one statement.
MOST_REQUEUED, PORTION = 10_000, 1_000


class GoneError(APIError):
    """There is nothing to put back any more."""

    error_type, status = "OfficeGoneError", 409


class LetterQuestions(Questions):
    """What the list can be asked."""

    task = PlainText("Task")
    server = ServerField(all_servers)


@page("dead_letters/", name="dead-letters", act="jobs.view", menu=Menu("Service", "Dead letters", 40))
def letters(request: HttpRequest) -> HttpResponse:
    """Show the newest of each server, latest first, below how many there are by task. Cost: two queries per server."""
    form = LetterQuestions(request.GET)
    facts: dict[str, Any] = {"title": "Dead letters", "form": form, "rows": []}
    if not form.is_valid():
        return shown(request, "service/dead_letters", facts, status=400)
    asked = form.asked()
    servers = [server for server in all_servers() if asked.get("server") in (None, server.name)]

    def ask(server: Server, _: None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return dead_letters.latest(server, task=asked.get("task"), most=COUNT), dead_letters.by_task(server)

    answers = gather(dict.fromkeys(servers), ask)
    rows = [row for found, _ in answers.values() for row in found]
    rows.sort(key=lambda row: row["died_at"], reverse=True)
    facts |= {
        "rows": [row | _trimmed(row) for row in rows],
        "tasks": _by_task(row for _, found in answers.values() for row in found),
        "away": ", ".join(server.name for server in servers if server not in answers),
        "count": COUNT,
    }
    return shown(request, "service/dead_letters", facts)


class Requeue(Deed):
    """Put dead letters back: one of a server, or all of a task."""

    act = "jobs.requeue"

    def __init__(self, task: str, *, server: Server | None = None, letter_id: int = 0) -> None:
        """Take a task for all of its letters, or with a server one letter of that server."""
        self.task, self.server, self.letter_id = task, server, letter_id
        self.button = "Requeue it" if server else "Requeue all of them"

    @property
    def target(self) -> Target:
        """Return the letter, or the task."""
        if self.server:
            return Target("dead_letter", f"{self.server.name}:{self.letter_id}")
        return Target("task", self.task[:100])

    @property
    def title(self) -> str:
        """Return what is put back."""
        return f"Requeue {self.task}"

    def consequences(self) -> list[str]:
        """Say what will happen."""
        which = "The job runs" if self.server else f"Each job of {self.task} that died, on every server, runs"
        return [
            f"{which} again at once, with {settings.JOBS_MAX_ATTEMPTS} attempts before it.",
            "What made it fail should be mended before; otherwise it is back here soon.",
        ]

    def state(self) -> dict[str, Any]:
        """Return how many there are; of servers that are away none."""
        if self.server:
            return {"task": self.task, "dead": int(dead_letters.one(self.server, self.letter_id) is not None)}
        counts = gather(dict.fromkeys(all_servers()), lambda server, _: dead_letters.by_task(server))
        return {
            "task": self.task,
            "dead": sum(row["dead"] for rows in counts.values() for row in rows if row["task"] == self.task),
        }

    def do(self, answers: dict[str, Any]) -> str:
        """Put them back."""
        if self.server:
            done, away = dead_letters.requeue(self.server, [self.letter_id]), list[str]()
        else:
            done, away = self._all()
        if not done and not away:
            raise GoneError("There is nothing to put back: somebody has been faster.")
        told = f"{done} of {self.task} put back."
        return f"{told} Not asked, since away: {', '.join(away)}." if away else told

    def _all(self) -> tuple[int, list[str]]:
        """Put back all of the task; return how many, and who did not answer."""
        done = 0
        away: list[str] = []
        for server in all_servers():
            try:
                for _ in range(MOST_REQUEUED // PORTION):
                    found = [row["id"] for row in dead_letters.latest(server, task=self.task, most=PORTION)]
                    done += dead_letters.requeue(server, found)
                    if len(found) < PORTION:
                        break
            except ShardUnavailable:
                away.append(server.name)
        return done, away


@page(
    "dead_letters/<slug:server>/<int:letter_id>/requeue/",
    name="dead-letter-requeue",
    act="jobs.requeue",
    methods=("GET", "HEAD", "POST"),
    example={"server": "main", "letter_id": 1},
)
def requeue_one(request: HttpRequest, server: str, letter_id: int) -> HttpResponse:
    """Put one back."""
    if server not in [each.name for each in all_servers()] or letter_id >= 2**63:
        raise NotFound(what="dead letter")
    letter = dead_letters.one(server_named(server), letter_id)
    if letter is None:
        raise GoneError("This dead letter is gone: it was put back or discarded.")
    deed = Requeue(letter["task"], server=server_named(server), letter_id=letter_id)
    return perform(request, deed, back=reverse("admin:dead-letters"), crumbs=_crumbs())


@page(
    "dead_letters/task/<path:task>/requeue/",
    name="dead-letters-requeue",
    act="jobs.requeue",
    methods=("GET", "HEAD", "POST"),
    example={"task": "nobody.knows_this"},
)
def requeue_task(request: HttpRequest, task: str) -> HttpResponse:
    """Put all of a task back."""
    return perform(
        request, Requeue(task[:200].replace("\x00", "")), back=reverse("admin:dead-letters"), crumbs=_crumbs()
    )


@panel("Dead letters", act="jobs.view", order=45)
def dead() -> tuple[str, str, str]:
    """Count the jobs that failed for good. Cost: one query per server over its dead letters."""
    servers = all_servers()
    answers = gather(dict.fromkeys(servers), lambda server, _: dead_letters.by_task(server))
    number = sum(row["dead"] for rows in answers.values() for row in rows)
    away = [server.name for server in servers if server not in answers]
    detail = f"without {', '.join(away)}" if away else "jobs that failed too often"
    return f"{number:,}", detail, reverse("admin:dead-letters")


def _by_task(rows: Any) -> list[dict[str, Any]]:
    found: dict[str, tuple[int, datetime]] = {}
    for row in rows:
        number, last = found.get(row["task"], (0, row["last_at"]))
        found[row["task"]] = number + row["dead"], max(last, row["last_at"])
    ordered = sorted(found.items(), key=lambda item: -item[1][0])
    return [{"task": task, "dead": number, "last_at": last} for task, (number, last) in ordered]


def _trimmed(row: dict[str, Any]) -> dict[str, str]:
    """Return arguments and error as they may be shown: short, and without addresses of people or secrets."""
    arguments = without_people(orjson.dumps(row["args"]).decode(), quoted=True)
    error = without_people(row["last_error"] or "", quoted=True)
    return {"arguments": _short(arguments, ARGUMENTS), "error": _short(error, ERROR)}


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _crumbs() -> list[tuple[str, str]]:
    return [(reverse("admin:dead-letters"), "Dead letters")]
