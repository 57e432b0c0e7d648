"""manage.py drill: prove that the latest backup can be restored."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery.backup import servers
from recovery.backup.drilling import drill
from recovery.management.door import NOTHING_HERE, answered, shown


class Command(BaseCommand):
    """Exit codes: 0 proven; 1 it is not what it was taken of, the reason is told; 2 there is no backup."""

    help = (
        "Restore the latest backup into scratch servers (BACKUP_SCRATCH_DIR, BACKUP_SCRATCH_PORT), compare rows and "
        "checksums of every table with what the backup counted, open photos, replay WAL up to now, remove it all. "
        "The result is shown in /health/deep and the admin. Weekly by instagram-drill.timer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which."""
        parser.add_argument("--label", default="", help="of manage.py backups, default: the latest")
        parser.add_argument("--store", default="", help="disk or s3, default: the first of BACKUP_STORES")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        if not answered(servers.primaries):
            self.stdout.write(NOTHING_HERE)
            return
        found = answered(lambda: drill(label=options["label"], store=options["store"], say=self.stdout.write))
        if not found.ok:
            raise CommandError(f"{found.label} is NOT proven after {found.seconds:.0f} s: {found.why}", returncode=1)
        self.stdout.write(
            f"{found.label}: restorable to {shown(found.restorable_to)}, proven at {shown(found.ended_at)},"
            f" after {found.seconds:.0f} s"
        )
