"""Django's registration of the room."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The door for clients."""

    name = "api"
