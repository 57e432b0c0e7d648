"""manage.py rebuild_photo_map: fill the photo map from the shards."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import track

from sharding import photo_map, shard_numbered


class Command(BaseCommand):
    """Store every photo's user in the photo map; safe to run and repeat at any time."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the choice of one shard."""
        parser.add_argument("--shard", type=int, help="only this logical shard")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuild."""
        numbers = range(settings.LOGICAL_SHARDS) if options["shard"] is None else [options["shard"]]
        stored = 0
        console = Console(file=getattr(self.stdout, "_out", None))
        for number in track(numbers, description="shards", console=console, disable=not console.is_terminal):
            try:
                stored += photo_map.rebuild(shard_numbered(number))
            except ValueError as error:
                raise CommandError(str(error), returncode=2) from error
        self.stdout.write(f"{stored} photos of {len(numbers)} logical shards are in the map")
