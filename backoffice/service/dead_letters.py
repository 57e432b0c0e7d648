"""Jobs that failed too often: why each did, putting them back, and discarding them."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ClassVar

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
#: Letters of each server that one press puts back or discards, and in one statement.
MOST_MOVED, PORTION = 10_000, 1_000


class GoneError(APIError):
    """There is nothing to put back or to discard any more."""

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


class LettersDeed(Deed):
    """Something done to dead letters: to one of a server, or to all of a task. verb: as on the button; done: after it.

    each: does it to letters of a server by their ids, and returns how many there were.
    """

    verb: ClassVar[str]
    done: ClassVar[str]
    each: Callable[[Server, Iterable[int]], int]

    def __init__(self, task: str, *, server: Server | None = None, letter_id: int = 0) -> None:
        """Take a task for all of its letters, or with a server one letter of that server."""
        self.task, self.server, self.letter_id = task, server, letter_id
        self.button = f"{self.verb} it" if server else f"{self.verb} all of them"

    @property
    def target(self) -> Target:
        """Return the letter, or the task."""
        if self.server:
            return Target("dead_letter", f"{self.server.name}:{self.letter_id}")
        return Target("task", self.task[:100])

    @property
    def title(self) -> str:
        """Return what is done to which."""
        return f"{self.verb} {self.task}"

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
        """Do it."""
        if self.server:
            done, away = self.each(self.server, [self.letter_id]), list[str]()
        else:
            done, away = self._all()
        if not done and not away:
            raise GoneError("There is none of them any more: somebody has been faster.")
        told = f"{done} of {self.task} {self.done}."
        return f"{told} Not asked, since away: {', '.join(away)}." if away else told

    def _all(self) -> tuple[int, list[str]]:
        """Do it to all of the task; return to how many, and who did not answer."""
        done = 0
        away: list[str] = []
        for server in all_servers():
            try:
                for _ in range(MOST_MOVED // PORTION):
                    found = [row["id"] for row in dead_letters.latest(server, task=self.task, most=PORTION)]
                    done += self.each(server, found)
                    if len(found) < PORTION:
                        break
            except ShardUnavailable:
                away.append(server.name)
        return done, away


class Requeue(LettersDeed):
    """Put dead letters back."""

    act, verb, done, each = "jobs.requeue", "Requeue", "put back", staticmethod(dead_letters.requeue)

    def consequences(self) -> list[str]:
        """Say what will happen."""
        which = "The job runs" if self.server else f"Each job of {self.task} that died, on every server, runs"
        return [
            f"{which} again at once, with {settings.JOBS_MAX_ATTEMPTS} attempts before it.",
            "What made it fail should be mended before; otherwise it is back here soon.",
        ]


class Discard(LettersDeed):
    """Delete dead letters."""

    act, verb, done, each = "jobs.discard", "Discard", "discarded", staticmethod(dead_letters.discard)

    def consequences(self) -> list[str]:
        """Say what will happen."""
        which = "The job is" if self.server else f"Each job of {self.task} that died, on every server, is"
        return [
            f"{which} deleted with its arguments: what it was to do is never done.",
            "It cannot be taken back. What may still be wanted is requeued instead, once it is mended.",
        ]


@page(
    "dead_letters/<slug:server>/<int:letter_id>/requeue/",
    name="dead-letter-requeue",
    act="jobs.requeue",
    methods=("GET", "HEAD", "POST"),
    example={"server": "main", "letter_id": 1},
)
def requeue_one(request: HttpRequest, server: str, letter_id: int) -> HttpResponse:
    """Put one back."""
    return _of_one(request, Requeue, server, letter_id)


@page(
    "dead_letters/<slug:server>/<int:letter_id>/discard/",
    name="dead-letter-discard",
    act="jobs.discard",
    methods=("GET", "HEAD", "POST"),
    example={"server": "main", "letter_id": 1},
)
def discard_one(request: HttpRequest, server: str, letter_id: int) -> HttpResponse:
    """Delete one."""
    return _of_one(request, Discard, server, letter_id)


@page(
    "dead_letters/task/<path:task>/requeue/",
    name="dead-letters-requeue",
    act="jobs.requeue",
    methods=("GET", "HEAD", "POST"),
    example={"task": "nobody.knows_this"},
)
def requeue_task(request: HttpRequest, task: str) -> HttpResponse:
    """Put all of a task back."""
    return _of_task(request, Requeue, task)


@page(
    "dead_letters/task/<path:task>/discard/",
    name="dead-letters-discard",
    act="jobs.discard",
    methods=("GET", "HEAD", "POST"),
    example={"task": "nobody.knows_this"},
)
def discard_task(request: HttpRequest, task: str) -> HttpResponse:
    """Delete all of a task."""
    return _of_task(request, Discard, task)


@panel("Dead letters", act="jobs.view", order=45)
def dead() -> tuple[str, str, str]:
    """Count the jobs that failed for good. Cost: one query per server over its dead letters."""
    servers = all_servers()
    answers = gather(dict.fromkeys(servers), lambda server, _: dead_letters.by_task(server))
    number = sum(row["dead"] for rows in answers.values() for row in rows)
    away = [server.name for server in servers if server not in answers]
    detail = f"without {', '.join(away)}" if away else "jobs that failed too often"
    return f"{number:,}", detail, reverse("admin:dead-letters")


def _of_one(request: HttpRequest, deed: type[LettersDeed], server: str, letter_id: int) -> HttpResponse:
    if server not in [each.name for each in all_servers()] or letter_id >= 2**63:
        raise NotFound(what="dead letter")
    letter = dead_letters.one(server_named(server), letter_id)
    if letter is None:
        raise GoneError("This dead letter is gone: it was put back or discarded.")
    done = deed(letter["task"], server=server_named(server), letter_id=letter_id)
    return perform(request, done, back=reverse("admin:dead-letters"), crumbs=_crumbs())


def _of_task(request: HttpRequest, deed: type[LettersDeed], task: str) -> HttpResponse:
    named = deed(task[:200].replace("\x00", ""))
    return perform(request, named, back=reverse("admin:dead-letters"), crumbs=_crumbs())


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
