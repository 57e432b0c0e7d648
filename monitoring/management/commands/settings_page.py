"""`manage.py settings_page`: write docs/settings.md and .env.example from the settings."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from monitoring import settings_page


class Command(BaseCommand):
    """Write the settings page and the example environment file, or say whether they are current."""

    help = "Write docs/settings.md and .env.example from instagram/settings/base.py."
    requires_system_checks = []  # Django's own form of it

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --check."""
        parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when one is out of date")

    def handle(self, *_args: Any, check: bool, **_options: Any) -> None:
        """Write both files, or compare them."""
        pages = {"docs/settings.md": settings_page.page(), ".env.example": settings_page.example()}
        for name, text in pages.items():
            path = settings.BASE_DIR / name
            if path.exists() and path.read_text() == text:
                continue
            if check:
                raise CommandError(f"{name} is out of date: run manage.py settings_page")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            self.stdout.write(f"wrote {name}")
