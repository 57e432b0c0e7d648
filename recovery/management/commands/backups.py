"""manage.py backups: what can be restored, and when that was last proven."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from recovery.backup import pgbackrest, servers
from recovery.management.door import answered, shown
from recovery.models import Backup, Drill


class Command(BaseCommand):
    """Exit code 1: the store does not answer."""

    help = (
        "List backups, the moments that can be restored, and the latest drills. What main knows; with --store, "
        "what the store itself says: that is there when main is not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare whom to ask."""
        parser.add_argument("--store", action="store_true", help="ask pgBackRest's repository, not main")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        answered(self._of_store if options["store"] else self._of_main)

    def _of_main(self) -> None:
        table = Table("label", "state", "servers", "stores", "databases", "stored", "objects", "took", "why")
        for each in Backup.objects.exclude(state=Backup.State.PRUNED).order_by("-began_at")[:30]:
            took = f"{(each.ended_at - each.began_at).total_seconds():.0f} s" if each.ended_at else "-"
            table.add_row(
                *(each.label, each.state, each.servers, each.stores, f"{each.database_bytes / 1e6:,.1f} MB"),
                *(f"{each.stored_bytes / 1e6:,.1f} MB", f"{each.object_count:,}", took, each.why),
            )
        self._print(table)
        drill = Drill.objects.order_by("-ended_at").first()
        self.stdout.write(f"restorable to: {shown(servers.restorable_to(servers.names()))}")
        self.stdout.write(f"last drill: {drill or 'none yet'}" + (f" ({drill.why})" if drill and drill.why else ""))

    def _of_store(self) -> None:
        pgbackrest.write_configuration()
        table = Table("server", "store", "label", "kind", "ended", "database", "stored")
        for number, store in enumerate(pgbackrest.stores(), 1):
            for server in servers.names():
                for copy in pgbackrest.copies(server, repository=number):
                    sizes = f"{copy.bytes / 1e6:,.1f} MB", f"{copy.stored / 1e6:,.1f} MB"
                    table.add_row(server, store, copy.label, copy.kind, shown(copy.ended_at), *sizes)
        self._print(table)

    def _print(self, table: Table) -> None:
        Console(file=getattr(self.stdout, "_out", None), soft_wrap=True).print(table)
