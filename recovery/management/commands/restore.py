"""manage.py restore: take all servers, or copies of them, back to one moment."""

import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from instagram.operating import WHY_HELP, tell
from recovery.backup import listings, manifest, pgbackrest, restoring, servers
from recovery.backup.errors import Failed, Refused
from recovery.backup.healing import heal
from recovery.backup.in_place import restore_in_place
from recovery.backup.scratch import scratches
from recovery.backup.vault import vault
from recovery.management.door import NOTHING_HERE, answered, moment, shown


class Command(BaseCommand):
    """Exit codes: 0 done; 1 it was begun and did not work; 2 it was not begun."""

    help = (
        "Restore all PostgreSQL servers of this host to one moment. Without --in-place: copies beside the service, on "
        "ports of their own, to look into or to fetch something from; they run until --remove. With --in-place: the "
        "servers themselves; what was written after the moment is gone. docs/backup.md is the runbook."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare whereto."""
        parser.add_argument("--to", help='the moment, "2026-11-26 14:03:00+00"; without a zone UTC')
        parser.add_argument("--server", action="append", default=[], help="only this one; repeatable")
        parser.add_argument("--store", default="", help="disk or s3, default: the first of BACKUP_STORES")
        parser.add_argument("--folder", type=Path, help="for the copies, default: BACKUP_SCRATCH_DIR/copies")
        parser.add_argument("--port", type=int, default=settings.BACKUP_SCRATCH_PORT + 10, help="first of the copies'")
        parser.add_argument("--remove", action="store_true", help="stop the copies and delete them")
        parser.add_argument("--in-place", action="store_true", help="the servers themselves")
        parser.add_argument("--heal", action="store_true", help="only mend what crosses servers, after --in-place")
        parser.add_argument("--no-heal", action="store_true", help="not yet: other hosts are still to be restored")
        parser.add_argument("--yes", action="store_true", help="with --in-place: do not ask")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")
        parser.add_argument("--why", default="", help=WHY_HELP)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        answered(lambda: self._handle(options))

    def _handle(self, options: dict[str, Any]) -> None:
        folder = (options["folder"] or settings.BACKUP_SCRATCH_DIR / "copies").resolve()
        if options["remove"]:
            for copy in scratches(servers.names(options["server"]), folder, options["port"]).values():
                copy.remove()
            self.stdout.write(f"removed from {folder}")
            return
        if not options["to"]:
            raise Refused('--to says the moment, for example --to "2026-11-26 14:03:00+00".')
        to = moment(options["to"])
        if options["heal"]:
            heal(to, say=self.stdout.write)
            _note(options, to, [])
            return
        chosen = servers.primaries(options["server"])
        if not chosen:
            self.stdout.write(NOTHING_HERE)
            return
        what = restoring.plan(to, chosen, store=options["store"])
        began = time.monotonic()
        for line in what.lines():
            self.stdout.write(line)
        if options["dry_run"]:
            self.stdout.write("nothing was done; the archive reaches " + shown(servers.restorable_to(chosen)))
            return
        if options["in_place"]:
            self._in_place(what, options)
        else:
            restoring.reach(to, chosen, say=self.stdout.write)
            restoring.restore_copies(what, folder=folder, first_port=options["port"], say=self.stdout.write)
            self.stdout.write("they run until manage.py restore --remove")
        self.stdout.write(f"restored to {shown(to)} after {time.monotonic() - began:.0f} s")
        self._objects(what)

    def _in_place(self, what: restoring.Plan, options: dict[str, Any]) -> None:
        names = ", ".join(what.copies)
        if not options["yes"]:
            if not sys.stdin.isatty():
                raise Refused(f"--in-place takes {names} back and loses what came after; add --yes to mean it.")
            answer = input(f"Take {names} back to {shown(what.to)} and lose what came after? [y/N] ")
            if answer.strip().lower() not in {"y", "yes"}:
                raise Refused("nothing was changed.")
        restoring.reach(what.to, list(what.copies), say=self.stdout.write)

        def mend() -> None:
            if not options["no_heal"]:
                heal(what.to, say=self.stdout.write)

        restore_in_place(what, say=self.stdout.write, heal=mend)
        # Into the log as it is after the restore: what it held of later moments is gone with the rest.
        _note(options, what.to, list(what.copies))

    def _objects(self, what: restoring.Plan) -> None:
        """Tell which objects of the backup's list are no longer in the store: rows of then may name them."""
        store = pgbackrest.stores()[what.repository - 1]
        for label in reversed(vault(store).folders()):
            try:
                made = manifest.load(label, store)
            except Failed:
                continue
            part = made.part(listings.OBJECTS)
            if part is None or made.at > what.to:
                continue
            with tempfile.TemporaryDirectory() as scratch:
                gone = list(listings.objects_gone(manifest.fetch(made, part, store, Path(scratch))))
            for key, how in gone[:20]:
                self.stdout.write(f"{how} since {label}: {key}")
            self.stdout.write(
                f"{len(gone)} of {part.facts['objects']} objects listed by {label} were deleted or altered since;"
                " manage.py audit_storage names the photos"
            )
            return


def _note(options: dict[str, Any], to: datetime, servers_named: list[str]) -> None:
    after = {"to": to.isoformat(), "servers": servers_named, "in_place": options["in_place"], "heal": options["heal"]}
    tell("operations.run", kind="command", target="restore", why=options["why"], after=after)
