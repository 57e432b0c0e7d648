"""`manage.py figures_page`: write the figures into docs/watching.md from their table."""

from monitoring import figures_page
from monitoring.management.pages import PagesCommand


class Command(PagesCommand):
    """Write the generated part of the page, or say whether it is current."""

    help = __doc__

    def pages(self) -> dict[str, str]:
        """Return the page."""
        return {"docs/watching.md": figures_page.page()}
