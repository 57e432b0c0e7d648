"""Backups and drills in the admin: to be read, by nobody to be changed, as its table of acts has it."""

from django.contrib import admin

from .models import Archived, Backup, Drill


@admin.register(Backup)
class BackupAdmin(admin.ModelAdmin):
    """What was taken."""

    list_display = ("label", "state", "servers", "stores", "database_bytes", "stored_bytes", "object_count", "ended_at")
    list_filter = ("state",)
    ordering = ("-began_at",)


@admin.register(Archived)
class ArchivedAdmin(admin.ModelAdmin):
    """Until when each server can be restored."""

    list_display = ("server", "at")


@admin.register(Drill)
class DrillAdmin(admin.ModelAdmin):
    """What was proven."""

    list_display = ("label", "ok", "restorable_to", "ended_at", "tables", "rows", "photos", "seconds", "why")
    list_filter = ("ok",)
    ordering = ("-ended_at",)
