"""Django's registration of the room."""

from django.apps import AppConfig


class FeedsConfig(AppConfig):
    """Who sees what when."""

    name = "feeds"
