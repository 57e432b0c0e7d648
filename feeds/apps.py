"""Django's registration of the room."""

from django.apps import AppConfig


class FeedsConfig(AppConfig):
    """Who sees what when."""

    name = "feeds"

    def ready(self) -> None:
        """Have archives of what people own tell when they were here last."""
        from accounts.services.exports import register_part  # noqa: PLC0415  # rooms are ready only now

        from .inboxes import last_visit  # noqa: PLC0415  # the same

        register_part("last_visit", last_visit)
