"""manage.py relay: submit overdue jobs of every outbox; do the rooms' periodic work."""

from typing import Any

from django.core.management.base import BaseCommand

from jobs.relay import Relay


class Command(BaseCommand):
    """Relay until stopped."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Relay."""
        relay = Relay()
        relay.install_signals()
        relay.run()
