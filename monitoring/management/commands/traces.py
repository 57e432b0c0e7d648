"""manage.py traces: say where anything of a photo is left."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monitoring.traces import traces_of
from photos.models import Photo
from sharding import shard_of_object


class Command(BaseCommand):
    """Search everything for a photo. Exit codes: 1 something was found, 2 no such id."""

    help = (
        "Search databases, photo map, memcached, object store and the local edge's cache for a photo. Before a "
        "deletion it says the photo's stem; give it with --stem to search for it afterwards."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what to search for."""
        parser.add_argument("photo", help="a photo's id, or a Media object's: 123 or 123_45")
        parser.add_argument("--stem", action="append", default=[], help="a stem it has or had; repeatable")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each place, then how many."""
        try:
            photo_id = int(options["photo"].partition("_")[0])
            photos = shard_of_object(photo_id).model(Photo).objects.filter(id=photo_id)
        except ValueError as error:
            raise CommandError(f"{options['photo']} is no photo's id", returncode=2) from error
        stems = {*options["stem"], *photos.values_list("image_stem", flat=True)}
        for stem in sorted(stems):
            self.stdout.write(f"searching for {photo_id} and {stem}")
        places = 0
        for place in traces_of(photo_id, stems):
            self.stdout.write(place)
            places += 1
        if places:
            raise CommandError(f"{places} traces", returncode=1)
        self.stdout.write("nothing is left of it")
