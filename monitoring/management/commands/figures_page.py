"""`manage.py figures_page`: write the figures into docs/watching.md from their table."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitoring import figures_page


class Command(BaseCommand):
    """Write the generated part of the page, or say whether it is current."""

    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --check."""
        parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when it is out of date")

    def handle(self, *_args: Any, check: bool, **_options: Any) -> None:
        """Write, or compare."""
        text = figures_page.page()
        if text == figures_page.PAGE.read_text():
            return
        if check:
            raise CommandError("docs/watching.md is out of date: run manage.py figures_page")
        figures_page.PAGE.write_text(text)
        self.stdout.write("wrote docs/watching.md")
