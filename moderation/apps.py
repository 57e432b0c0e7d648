"""The room of moderation as a Django app."""

from django.apps import AppConfig


class ModerationConfig(AppConfig):
    """What people and programs find wrong, and what staff decides."""

    name = "moderation"
    default_auto_field = "django.db.models.BigAutoField"
