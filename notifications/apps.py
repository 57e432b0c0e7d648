"""Django's registration of the room."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Who outside is told of what."""

    name = "notifications"

    def ready(self) -> None:
        """Have News in everybody's archive."""
        from accounts.services.exports import register_part  # noqa: PLC0415  # rooms are ready only now

        from .activity.keeping import export  # noqa: PLC0415

        register_part("activity", export)
