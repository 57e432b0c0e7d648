"""manage.py watch: look at the figures every few seconds, and tell PagerDuty when one is bad."""

import logging
import signal
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections, connections

from monitoring import exposition, history
from monitoring.alerts.watch import Busy, Watch

log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Watch until stopped. One at a time: a second one says so and ends with 2."""

    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the form."""
        parser.add_argument("--once", action="store_true", help="look once and end")

    def handle(self, *_args: Any, once: bool, **_options: Any) -> None:
        """Watch."""
        stopping = threading.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: stopping.set())
        try:
            recorder = history.Recorder()
            with Watch() as watch:
                while not stopping.is_set():
                    began = time.monotonic()
                    try:
                        now = exposition.reading(exposition.families())
                        watch.cycle(now)
                        recorder.look(now)
                    except Exception:  # the watch must live
                        log.exception("a look at the figures")
                    close_old_connections()
                    if once:
                        break
                    stopping.wait(max(0.0, settings.WATCH_PERIOD_S - (time.monotonic() - began)))
        except Busy as error:
            raise CommandError(str(error), returncode=2) from None
        finally:
            connections.close_all()
