"""manage.py audit_storage: hold the databases against the object store, and both against checksums."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from instagram.errors import Unavailable
from photos.services.audit import compared, expected, mended
from photos.services.audit.ledger import Ledger, LedgerInUseError
from sharding import ShardUnavailable, physical_servers, retry_if_moved, shard_numbered, shards_on
from sharding.management.progress import tracked

#: Findings named one by one.
_NAMED = 50


class Command(BaseCommand):
    """Exit codes: 1 something is wrong and not mended, or a server is away; 2 another audit runs; 130 interrupted."""

    help = (
        "Find objects that the databases name and the store lacks (missing), that nobody names (orphaned, older than "
        "an hour), and whose bytes are not those that were stored (altered). Changes nothing without --fix. Safe "
        "beside the service; one that was stopped goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how."""
        ledger = Path(settings.STATE_DIR) / f"audit-{settings.S3_BUCKET}.sqlite3"
        parser.add_argument("--fix", action="store_true", help="repair what can be repaired")
        parser.add_argument("--deep", action="store_true", help="read every object instead of asking for its checksum")
        parser.add_argument("--anew", action="store_true", help="forget an audit that was stopped")
        parser.add_argument("--ledger", type=Path, default=ledger, help="file of the audit under way (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read the databases, walk the store, say what is wrong, mend it if asked to."""
        try:
            if options["anew"]:
                options["ledger"].unlink(missing_ok=True)
            store = f"{settings.S3_ENDPOINT} {settings.S3_BUCKET}"
            with Ledger(options["ledger"], store=store, deep=options["deep"]) as ledger:
                self._audit(ledger, deep=options["deep"], fix=options["fix"])
        except LedgerInUseError as error:
            raise CommandError(f"Another audit is at work: {error}", returncode=2) from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted. Run it again to go on.", returncode=130) from None

    def _audit(self, ledger: Ledger, *, deep: bool, fix: bool) -> None:
        if ledger.resumed:
            self.stdout.write("going on with the audit that was stopped; --anew begins another")
        try:
            self._read(ledger)
            for area in compared.AREAS:
                for _ in tracked(self.stdout, compared.compare_area(ledger, area, deep=deep), f"pages below {area}/"):
                    pass
            compared.judge_missing(ledger)
            found = ledger.findings()
            if fix and found:
                mended.mend(ledger, found)
        except ShardUnavailable as error:
            # Without one server's photos the files of its people would look like nobody's.
            raise CommandError(f"{error.server_name} is away; nothing was judged. Run it again to go on.") from error
        except Unavailable as error:
            raise CommandError("The object store or an edge does not answer. Run it again to go on.") from error
        left = ledger.findings()
        self._report(ledger, found, left, fix=fix)
        ledger.remove()
        if left:
            raise CommandError(
                f"{len(left)} findings cannot be mended" if fix else "Mend what can be mended with: --fix", returncode=1
            )

    def _read(self, ledger: Ledger) -> None:
        expected.expect_waiting(ledger, "waiting before")
        for server in physical_servers():
            for number in tracked(
                self.stdout, [s.number for s in shards_on(server)], f"logical shards of {server.name}"
            ):
                retry_if_moved(lambda number: expected.expect_shard(ledger, shard_numbered(number)))(number)
        expected.expect_people(ledger)
        expected.expect_waiting(ledger, "waiting after")

    def _report(self, ledger: Ledger, found: list[Any], left: list[Any], *, fix: bool) -> None:
        for line in self._lines(found):
            self.stdout.write(line)
        tally = ledger.tally()
        self.stdout.write(", ".join(f"{number:,} {name}" for name, number in tally.items()))
        kinds = Counter(each.what for each in found)
        verdict = ", ".join(f"{kinds[what]:,} {what}" for what in ("missing", "orphaned", "altered"))
        self.stdout.write(f"{verdict}; {len(found) - len(left):,} mended" if fix else verdict)

    def _lines(self, found: list[Any]) -> Iterator[str]:
        for each in found[:_NAMED]:
            of = f" of {each.kind} {each.ref}" if each.kind else ""
            yield f"{each.what}: {each.key}{of}{f' ({each.note})' if each.note else ''}"
        if len(found) > _NAMED:
            yield f"and {len(found) - _NAMED:,} more"
