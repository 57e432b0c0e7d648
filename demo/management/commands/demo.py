"""`manage.py demo`: fill the service with people, photographs, likes and comments to look at."""

import json
import os
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from accounts import tokens
from accounts.clients import first_party_client
from accounts.models import User
from demo import bulk, errands, load, people, reports, services, sources, staff
from instagram.errors import InvalidToken, Unavailable
from jobs.testing import run_until_idle

#: Two to log in as, and somebody for them to follow.
USERS_MIN = 3
#: Seconds between lines where no terminal shows a bar.
LINE_S = 10.0


class Command(BaseCommand):
    """Load the demo, once."""

    help = "Load people, follows, photos, likes and comments through the services; does nothing when they are there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the size and source of the demo."""
        parser.add_argument("--users", type=int, default=200, help="people (default 200)")
        parser.add_argument("--photos", type=int, default=1_000, help="photos (default 1000)")
        parser.add_argument(
            "--source",
            default="auto",
            metavar="DIR",
            help="a folder of pictures, or of photos/ text/ graph/; auto: ../shared/data, else Debian packages",
        )
        parser.add_argument("--seed", type=int, default=2011, help="the same seed gives the same demo (default 2011)")
        parser.add_argument(
            "--processes", type=int, default=min(4, os.cpu_count() or 2), help="load in so many at once"
        )
        parser.add_argument("--run-jobs", action="store_true", help="run the jobs here; default: wait for the workers")
        parser.add_argument(
            "--bulk",
            action="store_true",
            help="for large sets: rows by bulk inserts instead of services, photos share a few hundred pictures",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Load the demo and write what logs in to it, or say that it is there."""
        if not settings.DEMO_ALLOWED:
            raise CommandError("no demo with these settings: its passwords are known to everybody", returncode=2)
        if options["users"] < USERS_MIN:
            raise CommandError(f"--users: at least {USERS_MIN}", returncode=2)
        for name, least in (("photos", 0), ("processes", 1)):
            if options[name] < least:
                raise CommandError(f"--{name}: at least {least}", returncode=2)
        try:
            source = sources.find(options["source"])
        except sources.SourceMissing as error:
            raise CommandError(str(error), returncode=2) from error
        staff.make_staff()
        if is_there():
            self.stdout.write(f"The demo is there already ({demo_file()}).")
            return
        started = time.monotonic()
        try:
            plan = load.make_plan(
                source, users=options["users"], photos=options["photos"], seed=options["seed"], logins=people.LOGINS
            )
            with Reporter() as report:
                ids = (bulk.load if options["bulk"] else load.load)(plan, report, processes=options["processes"])
                reports.file_reports(plan, ids)
                self._do_jobs(report, here=options["run_jobs"])
                reports.post_copy(plan, ids)
                self._do_jobs(report, here=options["run_jobs"])
        except errands.NameTaken as error:
            raise CommandError(str(error), returncode=2) from error
        except Unavailable as error:
            raise CommandError(f"{error} (what is loaded stays; run it again to go on)") from error
        except load.JobsAreStuck as error:
            raise CommandError(f"{error}: are the workers and the relay running? (or add --run-jobs)") from error
        services.link_services(ids[0])
        write_logins(ids)
        self.stdout.write(
            f"{len(plan.people)} people, {len(plan.follows)} follows, {len(plan.photos)} photos, {plan.likes} likes and"
            f" {plan.comments} comments from {source.name} in {time.monotonic() - started:.0f} s."
        )

    def _do_jobs(self, report: "Reporter", *, here: bool) -> None:
        if not here:
            load.wait_for_jobs(report)
            return
        report("jobs", 0, left := load.jobs_left())
        run_until_idle(max_jobs=sys.maxsize)
        report("jobs", left, left)


class Reporter:
    """Shows how far a load is: a bar for each stage on a terminal, else a line now and then."""

    def __init__(self) -> None:
        self.bars = Progress(
            TextColumn("{task.description:>9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(),
        )
        self.stages: dict[str, TaskID] = {}
        self.said = 0.0

    def __enter__(self) -> "Reporter":
        if self.bars.console.is_terminal:
            self.bars.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self.bars.console.is_terminal:
            self.bars.stop()

    def __call__(self, stage: str, done: int, of: int) -> None:
        """Show a stage's progress."""
        if self.bars.console.is_terminal:
            if stage not in self.stages:
                self.stages[stage] = self.bars.add_task(stage, total=of)
            self.bars.update(self.stages[stage], completed=done, total=of)
        elif done == of or time.monotonic() - self.said > LINE_S:
            self.said = time.monotonic()
            print(f"{stage}: {done} of {of}", flush=True)


def demo_file() -> Path:
    """Return where the logins of these settings' demo are kept."""
    return Path(settings.STATE_DIR) / f"demo{settings.DB_SUFFIX}.json"


def phones_file() -> Path:
    """Return where it says whose the phones of these settings' demo are: device token -> username."""
    return demo_file().with_name(f"phones{settings.DB_SUFFIX}.json")


def is_there() -> bool:
    """Return whether the demo was loaded to its end, into the databases as they are now."""
    try:
        for login in json.loads(demo_file().read_text())["logins"]:
            viewer = tokens.authenticate(login["access_token"])
            if not User.objects.filter(pk=viewer.user_id, username=login["username"]).exists():
                return False
    except (FileNotFoundError, ValueError, KeyError, InvalidToken):
        return False
    return True


def write_logins(ids: list[int]) -> None:
    """Give the people to log in as a phone each; write names, passwords and tokens, for the owner's eyes only."""
    demo_file().parent.mkdir(parents=True, exist_ok=True)
    client = first_party_client()
    of_logins = [User.objects.get(pk=user_id) for user_id in ids[: len(people.LOGINS)]]
    sign_ins = [tokens.grant(user, client, tokens.SCOPES) for user in of_logins]
    # Last of all: what the load itself did rings nobody.
    phones = errands.give_phones(list(people.LOGINS), sign_ins)
    # No secret, and for the stack's page to read: whose phone it is that rings.
    phones_file().write_text(json.dumps(dict(zip(phones, [each.username for each in people.LOGINS], strict=True))))
    logins = [
        {"username": person.username, "password": person.password, "access_token": tokens.text_of(sign_in)}
        for person, sign_in in zip(people.LOGINS, sign_ins, strict=True)
    ]
    text = json.dumps(
        {
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "logins": logins,
            "staff": [
                {"username": name, "password": staff.password_of(name), "role": role.value}
                for name, role in staff.STAFF.items()
            ],
        },
        indent=2,
    )
    place = demo_file()
    half_written = place.with_suffix(".new")
    half_written.unlink(missing_ok=True)
    with os.fdopen(os.open(half_written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    half_written.replace(place)
