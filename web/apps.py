"""Django's registration of the room."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The door for browsers."""

    name = "web"
