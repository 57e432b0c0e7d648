"""`manage.py settings_page`: write docs/settings.md and .env.example from instagram/settings/parts/."""

from monitoring import settings_page
from monitoring.management.pages import PagesCommand


class Command(PagesCommand):
    """Write the settings page and the example environment file, or say whether they are current."""

    help = __doc__

    def pages(self) -> dict[str, str]:
        """Return both."""
        return {"docs/settings.md": settings_page.page(), ".env.example": settings_page.example()}
