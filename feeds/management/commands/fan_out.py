"""manage.py fan_out PHOTO: how far a photo's fan-out is."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from feeds.explain import photo_named
from feeds.progress import progress_of
from sharding import ShardUnavailable


class Command(BaseCommand):
    """Print followers done and all, batches, times, workers, retries. Exit codes: 1 server down, 2 no account of it."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which photo."""
        parser.add_argument("photo", help="an id, an id with its author's, a short code, or a link")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        try:
            progress = progress_of(photo_named(options["photo"]))
        except ValueError as error:
            raise CommandError(f"photo: {error}", returncode=2) from error
        except ShardUnavailable as error:
            raise CommandError(f"Database {error.server_name} does not answer.", returncode=1) from error
        if progress is None:
            raise CommandError("Not begun, or too long ago: explain_feed says more for one viewer.", returncode=2)
        total = "?" if progress.total is None else f"{progress.total:,}"
        self.stdout.write(f"followers  {progress.done:,} of {total}, {progress.asleep:,} of them asleep and left out")
        self.stdout.write(f"batches    {len(progress.batches)}, chains: {progress.chains}, retries: {progress.retries}")
        self.stdout.write(f"begun      {progress.begun_at:%Y-%m-%d %H:%M:%S.%f} UTC")
        ended = progress.finished_at
        self.stdout.write(f"finished   {ended:%Y-%m-%d %H:%M:%S.%f} UTC" if ended else "finished   not yet")
        self.stdout.write(f"workers    {', '.join(progress.workers)}")
