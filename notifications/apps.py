"""Django's registration of the room."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Who outside is told of what."""

    name = "notifications"
