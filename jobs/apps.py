"""Django's registration of the room; every room's tasks.py is loaded once all rooms are."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    """The jobs."""

    name = "jobs"

    def ready(self) -> None:
        """Load the tasks of every room, so that their names are known to whoever runs them."""
        autodiscover_modules("tasks", "housekeeping")
        for module in settings.JOBS_EXTRA_MODULES:
            import_module(module)
