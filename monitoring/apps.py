"""Django's registration of the room, which also starts the reporting of errors."""

from django.apps import AppConfig

from . import sentry


class MonitoringConfig(AppConfig):
    """Health and error reports."""

    name = "monitoring"

    def ready(self) -> None:
        """Report errors from here on, if SENTRY_DSN says where to."""
        sentry.start()
