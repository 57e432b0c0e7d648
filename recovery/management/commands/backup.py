"""manage.py backup: take a backup, or only bring the archive up to this moment."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from recovery.backup import ebs, pgbackrest, servers
from recovery.backup.take import take
from recovery.management.door import NOTHING_HERE, answered, shown


class Command(BaseCommand):
    """Exit codes: 0 done; 1 it did not work, the sentence says where; 2 it was not begun."""

    help = (
        "Back up this host's PostgreSQL servers, the photo map's Redis and the list of the photos' store, to "
        "BACKUP_STORES (disk, s3). Safe beside the service. The first one switches the archive of WAL on. Nightly by "
        "instagram-backup.timer; --mark each minute by instagram-backup-mark.timer. docs/backup.md is the runbook."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how much."""
        parser.add_argument("--full", action="store_true", help="copy everything, not only what changed")
        parser.add_argument(
            "--mark",
            action="store_true",
            help="copy nothing: send WAL up to now into the archive, so that any moment until now can be restored",
        )
        parser.add_argument("--ebs", action="store_true", help="on AWS: snapshots of BACKUP_EBS_VOLUMES instead")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        answered(lambda: self._handle(options))

    def _handle(self, options: dict[str, Any]) -> None:
        if options["ebs"]:
            for line in ebs.snapshot():
                self.stdout.write(line)
            return
        here = servers.primaries()
        if not here:
            # Promoted, a server here archives at once: its new timeline's first files must not go nowhere.
            pgbackrest.write_configuration(change=not options["mark"])
            self.stdout.write(NOTHING_HERE)
            return
        if options["mark"]:
            pgbackrest.write_configuration()
            self.stdout.write(f"any moment until {shown(servers.mark(here))} can be restored")
            return
        began = time.monotonic()
        made = take(full=options["full"], say=self.stdout.write)
        self.stdout.write(f"{made.label} is done after {time.monotonic() - began:.0f} s")
