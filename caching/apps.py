"""Django's registration of the room."""

from django.apps import AppConfig


class CachingConfig(AppConfig):
    """The cache."""

    name = "caching"
