"""manage.py slow_requests: show what was slow lately."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monitoring import costs, slow


class Command(BaseCommand):
    """Show requests and jobs that took too long, newest first."""

    help = "Show the last requests and jobs that took longer than SLOW_REQUEST_S and SLOW_JOB_S, of all processes."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how many, and how."""
        parser.add_argument("--limit", type=int, default=20, help=f"entries, 1 to {slow.KEPT}")
        parser.add_argument("--format", choices=["text", "json"], default="text", help="json: one object a line")
        parser.add_argument("--clear", action="store_true", help="begin the list anew, after showing it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print them."""
        if not 1 <= options["limit"] <= slow.KEPT:
            raise CommandError(f"--limit may be 1 to {slow.KEPT}", returncode=2)
        entries = slow.recent(options["limit"])
        for entry in entries:
            self.stdout.write(json.dumps(entry) if options["format"] == "json" else _told(entry))
        if not entries and options["format"] == "text":
            self.stdout.write("nothing was slow")
        if options["clear"]:
            slow.forget()


def _told(entry: dict[str, Any]) -> str:
    spent = entry["spent"]
    parts = [f"sql {name} {its['queries']} in {its['ms']} ms" for name, its in spent["sql"].items()]
    parts += [
        f"{name} {spent[name]['times']} in {spent[name]['ms']} ms" for name in costs.OTHERS if spent[name]["times"]
    ]
    lines = [
        f"{entry['time']} {entry['kind']} {entry['name']} {entry['ms']} ms, request {entry['request_id'] or '-'}",
        f"    {', '.join([*parts, 'own code ' + str(spent['own_code_ms']) + ' ms'])}",
    ]
    for stack in entry["stacks"]:
        lines += [f"    after {stack['at_ms']} ms:", *(f"        {frame}" for frame in stack["frames"])]
    return "\n".join(lines)
