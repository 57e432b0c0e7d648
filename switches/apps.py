"""Django's registration of the room, which also has the rooms below ask it."""

from django.apps import AppConfig


class SwitchesConfig(AppConfig):
    """The switches."""

    name = "switches"

    def ready(self) -> None:
        """Have shards ask before writes, and workers before jobs."""
        from . import guards  # noqa: PLC0415  # models are not ready before

        guards.install()
