"""Django's registration of the room; every room's tasks.py is loaded once all rooms are."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    """The jobs."""

    name = "jobs"

    def ready(self) -> None:
        """Load the tasks of every room, so that their names are known to whoever runs them."""
        autodiscover_modules("tasks", "housekeeping")
