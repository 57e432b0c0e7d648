"""Registers the room."""

from django.apps import AppConfig


class RecoveryConfig(AppConfig):
    """Backups, drills, what is restorable."""

    name = "recovery"
    default_auto_field = "django.db.models.BigAutoField"
