"""manage.py shards: create, migrate, status, check."""

import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sharding import checks, placement, schema
from sharding.models import Placement
from sharding.servers import Server, all_servers
from sharding.shard import shards_on


class Command(BaseCommand):
    """Make, migrate and look over the logical shards."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the four verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="create|migrate|status|check")
        create = verbs.add_parser("create", help="place the logical shards on the servers, then migrate; repeatable")
        migrate = verbs.add_parser("migrate", help="bring every schema up to date; goes on where a killed run stopped")
        for verb in (create, migrate):
            verb.add_argument("--dry-run", action="store_true", help="only say what would be done")
        verbs.add_parser("status", help="shards, versions and size of each server")
        verbs.add_parser("check", help="hold every schema against placement, models and clocks; exit code 1 on a fault")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb."""
        self.console = Console(file=self.stdout._out, soft_wrap=True)
        getattr(self, f"_{options['verb']}")(options)

    def _create(self, options: dict[str, Any]) -> None:
        count, names = settings.LOGICAL_SHARDS, settings.SHARD_SERVERS
        if count & (count - 1) or not 1 <= count <= 8192:
            raise CommandError(f"LOGICAL_SHARDS is {count}; it must be a power of two up to 8192", returncode=2)
        placed = Placement.objects.count()
        if placed and placed != count:
            raise CommandError(
                f"this installation has {placed} logical shards for life; LOGICAL_SHARDS says {count}", returncode=2
            )
        if not placed and not options["dry_run"]:
            Placement.objects.bulk_create(
                Placement(logical_shard=number, server=names[number * len(names) // count]) for number in range(count)
            )
            placement.forget()
        if not placed and options["dry_run"]:
            self.stdout.write(f"would place {count} logical shards on {', '.join(names)}")
            return
        self._migrate(options)

    def _migrate(self, options: dict[str, Any]) -> None:
        if options["dry_run"]:
            for server in all_servers():
                self.stdout.write(f"{server.name}: {schema.pending(server)} schemas to migrate")
            return
        started = time.monotonic()
        outcomes = self._with_progress()
        failed = {name: why for outcome in outcomes for name, why in outcome.failed.items()}
        migrated = sum(outcome.migrated for outcome in outcomes)
        self.stdout.write(
            f"{migrated} schemas migrated, the others were up to date ({time.monotonic() - started:.1f} s)"
        )
        if failed:
            lines = "\n".join(f"  {name}: {why.splitlines()[0]}" for name, why in failed.items())
            raise CommandError(f"{len(failed)} failed, the others are done:\n{lines}", returncode=1)

    def _with_progress(self) -> list[schema.Outcome]:
        if not self.console.is_terminal:
            return schema.migrate()
        with Progress(console=self.console, transient=True) as progress:
            bars = {
                server: progress.add_task(server.name, total=sum(1 for _ in shards_on(server)))
                for server in all_servers()
            }
            lock = threading.Lock()

            def tick(server: Server, count: int) -> None:
                with lock:
                    progress.advance(bars[server], count)

            return schema.migrate(tick)

    def _status(self, _options: dict[str, Any]) -> None:
        table = Table("server", "logical shards", "to migrate", "size")
        for server in all_servers():
            with schema.direct(server) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT pg_size_pretty(pg_database_size(current_database()))")
                (size,) = cursor.fetchone()
            table.add_row(server.name, str(sum(1 for _ in shards_on(server))), str(schema.pending(server)), size)
        self.console.print(table)

    def _check(self, _options: dict[str, Any]) -> None:
        faults = checks.faults()
        if faults:
            raise CommandError("\n".join(faults), returncode=1)
        self.stdout.write(f"{settings.LOGICAL_SHARDS} logical shards are where they should be, complete and in time")
