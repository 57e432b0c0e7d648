"""manage.py dead_letters: list the jobs that failed too often, or requeue them."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import outbox
from sharding import all_servers


class Command(BaseCommand):
    """List dead letters, or put them back into their outbox."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the verbs."""
        parser.add_argument("verb", choices=["list", "requeue"])
        parser.add_argument("--server", help="only this server's")
        parser.add_argument("--task", help="only this task's")

    def handle(self, *args: Any, **options: Any) -> None:
        """List or requeue."""
        servers = [server for server in all_servers() if options["server"] in (None, server.name)]
        if not servers:
            raise CommandError(f"no server {options['server']!r}", returncode=2)
        for server in servers:
            letters = [row for row in outbox.dead_letters(server) if options["task"] in (None, row["task"])]
            if options["verb"] == "requeue":
                count = outbox.requeue(server, [letter["id"] for letter in letters])
                self.stdout.write(f"{server.name}: {count} requeued")
                continue
            for letter in letters:
                self.stdout.write(json.dumps(letter, default=str))
