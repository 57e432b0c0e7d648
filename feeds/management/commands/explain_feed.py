"""manage.py explain_feed PHOTO VIEWER: why a photo is, or is not, in somebody's feed."""

import sys
from dataclasses import asdict
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from feeds.explain import Cause, explain, person_named, photo_named
from instagram.errors import NotFound
from sharding import ShardUnavailable


class Command(BaseCommand):
    """Print the verdict in a sentence, then the facts. Exit codes: 1 main is away, 2 no such photo or person."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what is explained to whom."""
        parser.add_argument(
            "photo", help="an id, an id with its author's, a link, or a short code ('--' before one that begins with -)"
        )
        parser.add_argument("viewer", help="a user name or id")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Explain."""
        try:
            explanation = explain(photo_named(options["photo"]), person_named(options["viewer"]))
        except ValueError as error:
            raise CommandError(f"photo: {error}", returncode=2) from error
        except NotFound as error:
            raise CommandError(f"viewer: nobody is called {options['viewer']}", returncode=2) from error
        except ShardUnavailable as error:
            raise CommandError(f"Database {error.server_name} does not answer.", returncode=1) from error
        if options["json"]:
            self.stdout.write(orjson.dumps(asdict(explanation)).decode())
        else:
            self.stdout.write(explanation.verdict + "\n\n")
            for what, value in [("cause", str(explanation.cause)), *explanation.facts]:
                self.stdout.write(f"  {what:<20}{value}")
        if explanation.cause in {Cause.NO_PHOTO, Cause.NO_VIEWER}:
            sys.exit(2)
