"""manage.py shards: create, migrate, status, check, push-clocks."""

import threading
import time
from typing import Any

import psycopg2
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, track
from rich.table import Table

from sharding import ShardUnavailable, checks, ids, schema
from sharding.servers import Server, all_servers, physical_servers, server_named
from sharding.shard import shards_on

#: Seconds between two lines of progress where there is no terminal.
_PLAIN_PERIOD_S = 2.0


class Command(BaseCommand):
    """Make, migrate and look over the logical shards. Exit codes: 1 something failed, 2 wrong arguments or settings."""

    help = __doc__
    #: Django's checks import the whole house, doors included; shards must be mendable while a door is broken.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the four verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="create|migrate|status|check|push-clocks")
        create = verbs.add_parser("create", help="place the logical shards on the servers, then migrate; repeatable")
        migrate = verbs.add_parser("migrate", help="bring every schema up to date; goes on where a killed run stopped")
        for verb in (create, migrate):
            verb.add_argument("--dry-run", action="store_true", help="only say what would be done")
        verbs.add_parser("status", help="shards, versions, what is missing and size of each server")
        push = verbs.add_parser("push-clocks", help="set clocks past the largest ids; after promote, restore or a move")
        push.add_argument("--server", choices=settings.SHARD_SERVERS, help="only the shards of this server")
        verbs.add_parser("check", help="hold every schema against placement, files, models and clocks")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb."""
        self.console = Console(file=getattr(self.stdout, "_out", None), soft_wrap=True)
        try:
            getattr(self, "_" + options["verb"].replace("-", "_"))(options)
        except schema.InstallationError as error:
            raise CommandError(str(error), returncode=2) from error
        except ShardUnavailable as error:
            raise CommandError(f"Database {error.server_name} does not answer.", returncode=1) from error

    def _create(self, options: dict[str, Any]) -> None:
        if options["dry_run"]:
            plan = schema.planned_placement()
            try:
                schema.require_placement()
            except schema.InstallationError as error:
                if "placed yet" not in str(error):
                    raise
                for name in settings.SHARD_SERVERS:
                    self.stdout.write(f"{name}: would hold {plan.count(name)} logical shards")
                return
        else:
            schema.place()
        self._migrate(options)

    def _migrate(self, options: dict[str, Any]) -> None:
        schema.require_placement()
        if options["dry_run"]:
            self._dry_run()
            return
        started = time.monotonic()
        outcomes = self._with_progress() if self.console.is_terminal else self._plainly()
        failed = [
            f"  {outcome.server.name}: {name}: {why}" if name != outcome.server.name else f"  {name}: {why}"
            for outcome in outcomes
            for name, why in outcome.failed.items()
        ]
        migrated = sum(outcome.migrated for outcome in outcomes)
        took = time.monotonic() - started
        if options["verbosity"]:
            self.stdout.write(f"{migrated} schemas migrated, the others were up to date, {took:.1f} s")
        if failed:
            raise CommandError(f"{len(failed)} failed, everything else is done:\n" + "\n".join(failed), returncode=1)

    def _dry_run(self) -> None:
        unreachable = []
        for server in all_servers():
            try:
                plan = schema.plan_of(server)
            except psycopg2.Error as error:
                unreachable.append(f"{server.name}: {str(error).strip().splitlines()[0]}")
                continue
            for what, schemas in plan.items():
                self.stdout.write(f"{server.name}: {what} in {schemas} schema{'s' * (schemas != 1)}")
            if not plan:
                self.stdout.write(f"{server.name}: nothing to do")
        if unreachable:
            raise CommandError("\n".join(unreachable), returncode=1)

    def _with_progress(self) -> list[schema.Outcome]:
        columns = TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=self.console, transient=True) as progress:
            bars = {
                server: progress.add_task(server.name, total=sum(1 for _ in shards_on(server)))
                for server in all_servers()
                if not server.is_main
            }

            def tick(server: Server, count: int) -> None:
                if server in bars:
                    progress.advance(bars[server], count)

            return schema.migrate(tick)

    def _plainly(self) -> list[schema.Outcome]:
        totals = {server: sum(1 for _ in shards_on(server)) for server in all_servers()}
        done = dict.fromkeys(totals, 0)
        said = {server: time.monotonic() for server in totals}
        lock = threading.Lock()

        def tick(server: Server, count: int) -> None:
            with lock:
                done[server] += count
                if time.monotonic() - said[server] >= _PLAIN_PERIOD_S:
                    said[server] = time.monotonic()
                    self.stdout.write(f"{server.name}: {done[server]} of {totals[server]} logical shards")

        return schema.migrate(tick)

    def _status(self, _options: dict[str, Any]) -> None:
        schema.require_placement()
        servers = Table("server", "logical shards", "up to date", "to migrate", "size", title="Servers")
        files = Table("file", *(server.name for server in all_servers()), title="Schemas that have it")
        counts: dict[str, dict[str, str]] = {}
        down = []
        for server in all_servers():
            numbers = [shard.number for shard in shards_on(server)]
            try:
                with schema.direct(server) as link, link.cursor() as cursor:
                    cursor.execute("SELECT pg_size_pretty(pg_database_size(current_database()))")
                    (size,) = cursor.fetchone()
                    done = schema.applied(cursor)
            except psycopg2.Error as error:
                down.append(f"{server.name}: {str(error).strip().splitlines()[0]}")
                servers.add_row(server.name, str(len(numbers)), "?", "?", "unreachable")
                continue
            behind = 0
            for kind, wanted_by in (("local", [schema.LOCAL]), ("logical", numbers)):
                wanted = schema.steps(kind)
                behind += sum(bool(schema.missing(done.get(number, {}), wanted)) for number in wanted_by)
                for step in wanted:
                    have = sum((step.room, step.name) in done.get(number, {}) for number in wanted_by)
                    key = f"{step.room}/{kind}/{step.name}"
                    counts.setdefault(key, {})[server.name] = f"{have} of {len(wanted_by)}" if wanted_by else ""
            schemas = len(numbers) + 1
            servers.add_row(server.name, str(len(numbers)), f"{schemas - behind} of {schemas}", str(behind), size)
        for name, have_by in sorted(counts.items()):
            files.add_row(name, *(have_by.get(server.name, "?") for server in all_servers()))
        self.console.print(servers)
        self.console.print(files)
        if down:
            raise CommandError("\n".join(down), returncode=1)

    def _check(self, _options: dict[str, Any]) -> None:
        schema.require_placement()
        faults = checks.faults()
        if faults:
            raise CommandError("\n".join([*faults, f"{len(faults)} faults"]), returncode=1)
        self.stdout.write(f"{settings.LOGICAL_SHARDS} logical shards are where they belong, complete and in time")

    def _push_clocks(self, options: dict[str, Any]) -> None:
        schema.require_placement()
        servers = [server_named(options["server"])] if options["server"] else physical_servers()
        shards = [shard for server in servers for shard in shards_on(server)]
        for shard in track(shards, console=self.console, transient=True, disable=not self.console.is_terminal):
            ids.push_clock(shard)
        self.stdout.write(f"the clocks of {len(shards)} logical shards are past their largest ids")
