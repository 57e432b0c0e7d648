"""manage.py deployments: note what was deployed, for the admin; list the latest."""

from datetime import datetime
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery.models import Deployment
from sharding import ShardUnavailable

#: Characters of a sentence that are kept.
WHY_MAX_CHARS = 2_000


class Command(BaseCommand):
    """`fab deploy` and `rollback` run `note` when they end. Exit codes: 1 main is away, 2 the note cannot be read."""

    help = __doc__
    #: Django's checks import the whole house, doors included: work beside a deploy.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        note = verbs.add_parser("note", help="write one down; again, it changes nothing")
        note.add_argument("facts", help="a JSON object: release, before, who, at, seconds, outcome, hosts, why")
        verbs.add_parser("list", help="the latest ten")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        try:
            if options["verb"] == "note":
                self.stdout.write(str(_noted(options["facts"])))
                return
            for each in Deployment.objects.order_by("-at")[:10]:
                self.stdout.write(f"{each}{f' ({each.why})' if each.why else ''}")
        except ShardUnavailable as error:
            raise CommandError(f"database {error.server_name} does not answer", returncode=1) from None


def _noted(text: str) -> Deployment:
    """Write a deployment down once. Raises CommandError."""
    try:
        facts = orjson.loads(text)
        row = Deployment(
            at=datetime.fromisoformat(facts["at"]),
            seconds=float(facts["seconds"]),
            hosts=int(facts["hosts"]),
            why=str(facts.get("why", "")).replace("\x00", "")[:WHY_MAX_CHARS],
            **{name: str(facts[name]) for name in ("release", "before", "who", "outcome")},
        )
        row.full_clean(validate_unique=False, validate_constraints=False)
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise CommandError(f"this is no deployment: {error}", returncode=2) from None
    found, _ = Deployment.objects.get_or_create(
        at=row.at, who=row.who,
        defaults={name: getattr(row, name) for name in ("release", "before", "outcome", "seconds", "hosts", "why")},
    )  # fmt: skip
    return found
