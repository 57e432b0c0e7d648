"""manage.py pending_migrations: what has not run yet, and whether it only adds or takes something away.

manage.py pending_migrations                  a line each
manage.py pending_migrations --json           one JSON list, for programs
manage.py pending_migrations --run-additive   run what only adds, beside code that does not know of it
"""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monitoring.pending import MigrationFailed, pending, run_additive


class Command(BaseCommand):
    """List migrations that have not run on main and the shards, or run those that only add."""

    help = __doc__
    #: Django's checks import the whole house, doors included: a second that a deploy would wait for.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --json."""
        parser.add_argument("--json", action="store_true", help="one JSON list, for programs")
        parser.add_argument("--run-additive", action="store_true", help="run those that only add and wait for nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print, or run and print what ran. Exit code 1 when one failed."""
        if options["run_additive"]:
            try:
                self.stdout.write(", ".join(run_additive()) or "none")
            except MigrationFailed as error:
                raise CommandError(str(error), returncode=1) from error
            return
        found = pending()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in found]))
            return
        for each in found:
            self.stdout.write(f"{each.kind:8}  {each.name}: {each.why}")
        if not found:
            self.stdout.write("none")
