"""manage.py first_party_client: print the client_id and client_secret of our own applications."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.clients import first_party_client


class Command(BaseCommand):
    """Prints two lines for a shell to read; the first run makes the client, later ones find it."""

    help = "print CLIENT_ID and CLIENT_SECRET of our own applications, made at the first run"

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print them."""
        client = first_party_client()
        self.stdout.write(f"CLIENT_ID={client.client_id}\nCLIENT_SECRET={client.client_secret}")
