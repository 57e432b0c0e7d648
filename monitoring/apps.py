"""Django's registration of the room, which also starts the reporting of errors and the watch over what is slow."""

from django.apps import AppConfig

from instagram import tracing

from . import sentry, slow


class MonitoringConfig(AppConfig):
    """Health and error reports."""

    name = "monitoring"

    def ready(self) -> None:
        """Report errors from here on, if SENTRY_DSN says where to; look at whatever begins and ends."""
        sentry.start()
        tracing.begun.append(slow.watch)
        tracing.ended.append(slow.tell)
