"""manage.py traces: say where anything of a photo is left."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monitoring.traces import stems_of, traces_of


class Command(BaseCommand):
    """Search everything for a photo. Exit codes: 1 something was found, 2 no such id."""

    help = (
        "Search databases, photo map, memcached, object store and the local edge's cache for a photo. Before a "
        "deletion it says the stems of the photo and of its original; give them with --stem to search afterwards."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what to search for."""
        parser.add_argument("photo", help="a photo's id, or a Media object's: 123 or 123_45")
        parser.add_argument("--stem", action="append", default=[], help="a stem it has or had; repeatable")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each place, then how many."""
        try:
            photo_id = int(options["photo"].partition("_")[0])
            stems = {*options["stem"], *stems_of(photo_id)}
        except ValueError as error:
            raise CommandError(f"{options['photo']} is no photo's id", returncode=2) from error
        for stem in sorted(stems):
            self.stdout.write(f"searching for {photo_id} and {stem}")
        places = 0
        for place in traces_of(photo_id, stems):
            self.stdout.write(place)
            places += 1
        if places:
            raise CommandError(f"{places} traces", returncode=1)
        self.stdout.write("nothing is left of it")
