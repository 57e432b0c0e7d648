"""What commands share that write pages of docs/ from the code."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class PagesCommand(BaseCommand):
    """Write pages, or say whether they are current."""

    requires_system_checks = []  # Django's own form of it

    def pages(self) -> dict[str, str]:
        """Return the text of each page, by its path in the clone."""
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --check."""
        parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when one is out of date")

    def handle(self, *_args: Any, check: bool, **_options: Any) -> None:
        """Write them, or compare."""
        for name, text in self.pages().items():
            path = Path(settings.BASE_DIR) / name
            if path.exists() and path.read_text() == text:
                continue
            if check:
                raise CommandError(f"{name} is out of date: run manage.py {type(self).__module__.rpartition('.')[2]}")
            path.write_text(text)
            self.stdout.write(f"wrote {name}")
