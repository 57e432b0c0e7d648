"""manage.py worker: run the tasks of one or more queues."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs.tasks import QUEUES
from jobs.worker import Worker


class Command(BaseCommand):
    """Run jobs until stopped; SIGTERM finishes the job in hand. A limit ends it with 0: start a fresh one then."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the limits."""
        parser.add_argument("--queue", action="append", choices=QUEUES, help="repeatable; default: all")
        parser.add_argument("--max-jobs", type=int, default=0, help="stop after so many; 0: never")
        parser.add_argument("--max-memory-mb", type=int, default=0, help="stop above so many MB; 0: never")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work."""
        worker = Worker(
            options["queue"] or list(QUEUES), max_jobs=options["max_jobs"], max_memory_mb=options["max_memory_mb"]
        )
        worker.install_signals()
        worker.run()
