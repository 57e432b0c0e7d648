"""manage.py rebuild_indexes: bring the index tables of tags, locations and cells up to the photos' owners."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from photos.services import rebuild
from sharding import Shard, ShardUnavailable, retry_if_moved, shard_numbered
from sharding.management.progress import tracked


class Command(BaseCommand):
    """Index every photo anew, then take out what no owner confirms. Exit code 1: a server is away."""

    help = (
        "Index every photo by its tags, location and cell, shard by shard, then take out index rows that no owner "
        "confirms and count tags anew. Safe to run and to repeat at any time, beside the service."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which shards."""
        parser.add_argument("--shard", type=int, action="append", help="this logical shard alone; repeatable")

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the shards twice; one that does not answer is named at the end and stops no other."""
        try:
            shards = [shard_numbered(number) for number in options["shard"] or range(settings.LOGICAL_SHARDS)]
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        away: dict[int, str] = {}
        photos = self._each(shards, "owners' shards", rebuild.index_shard, away)
        stale = self._each(shards, "index shards", rebuild.prune_shard, away)
        self.stdout.write(f"{photos:,} photos indexed, {stale:,} stale rows taken out")
        if away:
            lines = [f"  logical shard {number}: {name} is away" for number, name in sorted(away.items())]
            raise CommandError("Not done, repeat these with --shard:\n" + "\n".join(lines), returncode=1)

    def _each(self, shards: list[Shard], what: str, verb: Callable[[Shard], int], away: dict[int, str]) -> int:
        done = 0
        for shard in tracked(self.stdout, shards, what):
            try:
                done += retry_if_moved(lambda number: verb(shard_numbered(number)))(shard.number)
            except ShardUnavailable as error:
                away[shard.number] = error.server_name
        return done
