"""Backups and drills in Django admin: to be read, by nobody to be changed."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .models import Archived, Backup, Drill


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows and changes none: they say what happened."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False


@admin.register(Backup)
class BackupAdmin(ReadOnlyAdmin):
    """What was taken."""

    list_display = ("label", "state", "servers", "stores", "database_bytes", "stored_bytes", "object_count", "ended_at")
    list_filter = ("state",)
    ordering = ("-began_at",)


@admin.register(Archived)
class ArchivedAdmin(ReadOnlyAdmin):
    """Until when each server can be restored."""

    list_display = ("server", "at")


@admin.register(Drill)
class DrillAdmin(ReadOnlyAdmin):
    """What was proven."""

    list_display = ("label", "ok", "restorable_to", "ended_at", "tables", "rows", "photos", "seconds", "why")
    list_filter = ("ok",)
    ordering = ("-ended_at",)
