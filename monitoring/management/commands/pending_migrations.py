"""manage.py pending_migrations: what has not run yet, and whether it only adds or takes something away."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from monitoring.pending import pending


class Command(BaseCommand):
    """List migrations that have not run on main and the shards; changes nothing."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --json."""
        parser.add_argument("--json", action="store_true", help="one JSON list, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        found = pending()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in found]))
            return
        for each in found:
            self.stdout.write(f"{each.kind:8}  {each.name}: {each.why}")
        if not found:
            self.stdout.write("none")
