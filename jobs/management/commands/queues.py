"""manage.py queues: per task what waits, runs, fails and died, and how many workers there are."""

from typing import IO, Any, cast

import orjson
from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from jobs.metrics import gauges, prometheus
from jobs.status import status

COLUMNS = (
    "queue",
    "task",
    "waiting",
    "running",
    "workers",
    "rows",
    "overdue",
    "oldest_s",
    "failing",
    "postponed",
    "dead",
)


class Command(BaseCommand):
    """Print the table; waiting, running and workers are gearmand's, the rest is the outboxes'."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the form."""
        parser.add_argument("--format", choices=["table", "json", "prometheus"], default="table")
        parser.add_argument(
            "--json", action="store_const", const="json", dest="format", help="the same as --format json"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        found = status()
        if options["format"] == "json":
            self.stdout.write(orjson.dumps(found.as_json()).decode())
            return
        if options["format"] == "prometheus":
            self.stdout.write(prometheus(gauges(found)), ending="")
            return
        table = Table()
        for column in COLUMNS:
            table.add_column(
                column.replace("_s", ", s"), justify="left" if column in ("queue", "task") else "right", no_wrap=True
            )
        for task in found.as_json()["tasks"]:
            table.add_row(*(f"{task[c]:.0f}" if c == "oldest_s" else str(task[c] or "-") for c in COLUMNS))
        console = Console(file=cast("IO[str]", self.stdout), width=140)
        console.print(table)
        for name in found.away:
            console.print(f"not reached: {name}")
