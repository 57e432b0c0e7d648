"""manage.py alert: report an alert of another program, such as Munin, to be passed on to PagerDuty.

With --munin the standard input has a line for each field, LEVEL|HOST|PLUGIN|LABEL|VALUE|RANGE, as docs/watching.md sets
Munin up; it knows no name of a field there, so the label names it.
"""

import sys
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from monitoring.alerts import spool
from monitoring.alerts.alarms import CRITICAL, LEVELS, OK, WARNING
from monitoring.alerts.spool import Report
from monitoring.alerts.watch import Busy, Watch
from monitoring.figures.table import GRAPHS

#: Words of the lines for levels. What Munin cannot tell wakes nobody: the watch itself sees what is away.
_OF_MUNIN = {"OK": OK, "WARNING": WARNING, "CRITICAL": CRITICAL}
#: Of standard input, characters: some thousand lines.
_INPUT_MAX = 500_000


class Command(BaseCommand):
    """Report one alert, or what Munin has to say; needs no database and no running watch."""

    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the form."""
        parser.add_argument("key", nargs="?", help="what it is known by: errors, backup:shard_a")
        parser.add_argument("--level", choices=LEVELS, help="ok ends it")
        parser.add_argument("--summary", help="one sentence for a person's phone")
        parser.add_argument("--act", default="", help="what to do")
        parser.add_argument("--munin", action="store_true", help="read Munin's lines from standard input")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Keep the reports for the watch; pass them on here if none runs."""
        if options["munin"]:
            reports = list(_of_munin(sys.stdin.read(_INPUT_MAX)))
        elif options["key"] and options["level"] and options["summary"]:
            reports = [Report(options["key"], options["level"], options["summary"], options["act"])]
        else:
            raise CommandError("say a key, --level and --summary, or --munin", returncode=2)
        try:
            for report in reports:
                spool.put(settings.WATCH_DIR / "spool", report)
        except (ValueError, spool.SpoolFull, OSError) as error:
            raise CommandError(str(error), returncode=2) from None
        try:
            with Watch() as watch:
                watch.pass_on(time.time())
        except Busy:
            pass  # it takes them up itself


def _of_munin(text: str) -> Iterator[Report]:
    """Read lines; what is none, or tells of something unknown, is left out."""
    for line in text.splitlines():
        parts = line.strip().split("|")
        level = _OF_MUNIN.get(parts[0])
        if len(parts) != 6 or level is None:
            continue
        _, host, plugin, label, value, bounds = parts
        summary = f"{label} on {host}: {value}" + (f", bad outside {bounds}" if bounds else "")
        yield Report(f"munin:{host}:{plugin}:{label}"[:200], level, summary, _act(plugin, label))


def _act(plugin: str, label: str) -> str:
    """Return what our own figure says is to be done; of Munin's other plugins, where to look."""
    for graph in GRAPHS:
        if plugin == f"instagram_{graph.name}":
            # A figure for each server and the like has the server's name as its label.
            named = [figure for figure in graph.figures if figure.title == label]
            figures = named or [figure for figure in graph.figures if figure.by]
            if figures:
                return figures[0].act
    return f"Munin's graph {plugin} shows how it came."
