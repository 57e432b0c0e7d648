"""manage.py alert: report an alert of another program, such as Munin, to be passed on to PagerDuty.

With --munin the standard input has a line for each field, as docs/watching.md sets Munin up:
LEVEL|HOST|PLUGIN|FIELD|LABEL|VALUE|RANGE.
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
from monitoring.figures.table import FIGURES

#: Munin's words for levels. What it cannot tell is no reason to wake anybody: `away` and the canary are for that.
_OF_MUNIN = {"OK": OK, "WARNING": WARNING, "CRITICAL": CRITICAL, "FOK": OK}
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
    for line in text.splitlines():
        parts = line.strip().split("|")
        level = _OF_MUNIN.get(parts[0])
        if len(parts) != 7 or level is None:
            continue
        _, host, plugin, field, label, value, bounds = parts
        key = f"munin:{host}:{plugin}.{field}"[:200]
        figure = FIGURES.get(field) or next(
            (each for name, each in FIGURES.items() if field.startswith(f"{name}_")), None
        )
        summary = f"{label} on {host}: {value}" + (f", bad outside {bounds}" if bounds else "")
        yield Report(
            key, level, summary, figure.act if figure else f"Munin's graph {plugin} of {host} shows how it came."
        )
