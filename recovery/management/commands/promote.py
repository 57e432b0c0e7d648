"""manage.py promote SERVER: make a server's replica the primary, in the data centre of this machine."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instagram.operating import WHY_HELP, tell
from recovery.failover.local import LocalSite, one_at_a_time
from recovery.failover.promotion import Wish
from recovery.failover.sites import FailoverError, Refused
from recovery.failover.verbs import promote


class Command(BaseCommand):
    """Promote. Exit codes: 1 it did not come to its end, run it again; 2 it was not begun, the sentence says why."""

    help = __doc__
    #: Main may be what is dead, and a room may be broken.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what is promoted and what is allowed."""
        parser.add_argument("server", help="main, shard_a, shard_b, redis_1 …")
        parser.add_argument(
            "--to", default="", metavar="NODE", help="the node that shall be primary, default: the other"
        )
        parser.add_argument("--planned", action="store_true", help="the primary is well: switch without an error")
        parser.add_argument("--force", action="store_true", help="end a primary that still answers, or is frozen")
        parser.add_argument("--accept-loss", action="store_true", help="also when acknowledged writes may be lost")
        parser.add_argument(
            "--dry-run", action="store_true", help="only say how it stands, what would be done and lost"
        )

        parser.add_argument("--why", default="", help=WHY_HELP)

    def handle(self, *args: Any, **options: Any) -> None:
        """Promote."""
        wish = Wish(
            to=options["to"],
            planned=options["planned"],
            force=options["force"],
            accept_loss=options["accept_loss"],
            dry=options["dry_run"],
        )
        try:
            with one_at_a_time():
                promote(LocalSite(self._say), options["server"], wish)
        except Refused as error:
            raise CommandError(f"{error}.", returncode=2) from error
        except FailoverError as error:
            raise CommandError(f"{error}. Run it again.", returncode=1) from error
        if not wish.dry:
            words = [name for name in ("planned", "force", "accept_loss") if options[name]]
            after = {"server": options["server"], "to": options["to"], "with": words}
            tell("operations.run", kind="command", target="promote", why=options["why"], after=after)

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()
