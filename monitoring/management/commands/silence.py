"""manage.py silence: tell nobody of an alert for some time: add, list, end."""

import getpass
import os
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from instagram.operating import WHY_HELP, tell
from monitoring.alerts import silences
from monitoring.models import Silence
from sharding import ShardUnavailable


class Command(BaseCommand):
    """`add` prints the number of the silence, which `end` takes; it ends by itself at its time in any case."""

    help = __doc__
    #: Django's checks import the whole house, doors included: a second that a deploy would wait for, twice.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the three verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="silence alerts for some minutes; prints a number")
        which = add.add_mutually_exclusive_group(required=True)
        which.add_argument("--all", action="store_true", help="every alert")
        which.add_argument("--alert", help="its key as manage.py alerts shows it; pool_* for all that begin so")
        add.add_argument("--minutes", type=float, required=True, help="how long")
        add.add_argument("--why", required=True, help="a reason that the next person understands")
        add.add_argument("--by", default="", help="who wants it; else the account that asks")
        shown = verbs.add_parser("list", help="what is silenced now")
        shown.add_argument("--json", action="store_true", help="as JSON")
        end = verbs.add_parser("end", help="end one now")
        end.add_argument("number", type=int)
        end.add_argument("--why", default="", help=WHY_HELP)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the verb says. Exit code 2 for what cannot be, 1 when main is away."""
        verbs = {"add": self._add, "list": self._list, "end": self._end}
        try:
            verbs[options["verb"]](options)
        except silences.BadSilence as error:
            raise CommandError(str(error), returncode=2) from None
        except ShardUnavailable as error:
            raise CommandError(f"database {error.server_name} does not answer") from None

    def _add(self, options: dict[str, Any]) -> None:
        by = options["by"] or os.environ.get("SUDO_USER") or getpass.getuser()
        pattern = "*" if options["all"] else options["alert"]
        with transaction.atomic():
            silence = silences.add(alert=pattern, minutes=options["minutes"], why=options["why"], by=by)
            after = {"alert": silence.alert, "until": silence.until.isoformat(), "by": by}
            tell("alerts.silence", kind="silence", target=silence.pk, why=silence.why, after=after)
        self.stdout.write(str(silence.pk))
        self.stderr.write(f"silence {silence.pk} until {silence.until:%H:%M:%S} UTC")

    def _list(self, options: dict[str, Any]) -> None:
        standing = silences.standing()
        if options["json"]:
            self.stdout.write(orjson.dumps([vars(each) for each in standing]).decode())
            return
        for each in standing:
            left = (each.until - timezone.now().timestamp()) / 60
            self.stdout.write(f"{each.id}: {each.alert}, {left:.0f} min more, {each.by}: {each.why}")
        if not standing:
            self.stdout.write("nothing is silenced")

    def _end(self, options: dict[str, Any]) -> None:
        try:
            with transaction.atomic():
                ended = silences.end(options["number"])
                if ended:
                    facts = {"before": {"ended": False}, "after": {"ended": True}}
                    tell("alerts.silence", kind="silence", target=options["number"], why=options["why"], **facts)
        except (Silence.DoesNotExist, OverflowError):
            raise CommandError(f"there is no silence {options['number']}", returncode=2) from None
        self.stdout.write("ended" if ended else "it had ended before")
