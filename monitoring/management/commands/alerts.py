"""manage.py alerts: what alerts now, who is told of it, what is silenced; exit code 1 when something alerts."""

import time
from datetime import UTC, datetime
from typing import IO, Any, cast

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from monitoring.alerts.alarms import Alarms
from monitoring.alerts.watch import last_known

#: A watch that wrote nothing for so many seconds does not run.
STALE_S = 120.0


class Command(BaseCommand):
    """Say what the watch on this host wrote down last. Asks no database."""

    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the form."""
        parser.add_argument("--json", action="store_true", help="as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print."""
        known = last_known()
        if known is None:
            raise CommandError("no manage.py watch has ever run here", returncode=2)
        alarms = Alarms.of_json(known["alarms"])
        firing = alarms.firing()
        waiting = sum(len(alarm.owed) for alarm in alarms.owed())
        age_s = time.time() - known["at"]
        if options["json"]:
            told = {"at": known["at"], "firing": [vars(alarm) | {"owed": len(alarm.owed)} for alarm in firing]}
            self.stdout.write(orjson.dumps(told | {"silences": known["silences"], "not_told": waiting}).decode())
        else:
            self._print(firing, known["silences"])
            if waiting:
                self.stdout.write(f"{waiting} events wait for PagerDuty")
            if age_s > STALE_S:
                self.stdout.write(f"this is {age_s:.0f} s old: manage.py watch does not run")
        if firing:
            raise SystemExit(1)

    def _print(self, firing: list[Any], silences: list[dict[str, Any]]) -> None:
        console = Console(file=cast("IO[str]", self.stdout), width=140)
        if firing:
            table = Table("level", "alert", "since", "what", "told")
            for alarm in firing:
                told = f"silenced by {alarm.muted_by}" if alarm.muted_by else "waits" if alarm.owed else "PagerDuty"
                table.add_row(alarm.level, alarm.key, _moment(alarm.since), f"{alarm.summary}\n{alarm.act}", told)
            console.print(table)
        else:
            self.stdout.write("nothing alerts")
        for silence in silences:
            until = _moment(silence["until"])
            self.stdout.write(
                f"silence {silence['id']}: {silence['alert']} until {until}, {silence['by']}: {silence['why']}"
            )


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, tz=UTC):%m-%d %H:%M:%S}"
