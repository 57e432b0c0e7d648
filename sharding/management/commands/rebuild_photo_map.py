"""manage.py rebuild_photo_map: fill the photo map from the shards, or hold it against them."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from sharding import ShardUnavailable, photo_map, shard_numbered
from sharding.management.progress import tracked


class Command(BaseCommand):
    """Store every photo's user in the photo map. Exit codes: 1 a server is away or the check found fault."""

    help = (
        "Store every photo's user in the photo map, shard by shard. Safe to run and to repeat at any time, "
        "beside the service; --shard repeats a part, or shares the work among several processes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what to do on which shards."""
        parser.add_argument("--shard", type=int, action="append", help="this logical shard alone; repeatable")
        parser.add_argument("--check", action="store_true", help="store nothing; count missing and wrong entries")

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the shards; one that does not answer is named at the end and stops no other."""
        try:
            shards = [shard_numbered(number) for number in options["shard"] or range(settings.LOGICAL_SHARDS)]
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        began, away, photos, missing, wrong = time.monotonic(), [], 0, 0, 0
        for shard in tracked(self.stdout, shards, "logical shards"):
            try:
                if options["check"]:
                    compared = photo_map.check(shard)
                    photos += compared.photos
                    missing += compared.missing
                    wrong += compared.wrong
                else:
                    photos += photo_map.rebuild(shard)
            except (ShardUnavailable, photo_map.MapUnavailable) as error:
                reason = str(error) if isinstance(error, photo_map.MapUnavailable) else f"{error.server_name} is away"
                away.append(f"  logical shard {shard.number}: {reason}")
        done = len(shards) - len(away)
        seconds = time.monotonic() - began
        if options["check"]:
            self.stdout.write(
                f"{photos:,} photos of {done} logical shards: {missing:,} missing, {wrong:,} wrong ({seconds:.1f} s)"
            )
        else:
            self.stdout.write(f"{photos:,} photos of {done} logical shards are in the map ({seconds:.1f} s)")
        if away:
            shown = [*away[:20], f"  and {len(away) - 20} more"] if len(away) > 20 else away
            raise CommandError("Not done, repeat these with --shard:\n" + "\n".join(shown), returncode=1)
        if missing or wrong:
            raise CommandError("Mend the map with: manage.py rebuild_photo_map", returncode=1)
