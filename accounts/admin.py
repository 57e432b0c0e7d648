"""People and applications in Django admin."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from .models import OAuthClient, User
from .services import presence


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """People, found by name or e-mail."""

    list_display = ("id", "username", "full_name", "is_private", "is_active", "date_joined")
    search_fields = ("username", "email", "full_name")
    readonly_fields = ("password", "last_login", "date_joined", "deactivated_at")
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, and have what is cached of the person read anew: a suspension counts at once."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            presence.changed(obj.pk)


@admin.register(OAuthClient)
class OAuthClientAdmin(admin.ModelAdmin):
    """Applications and their switches; a process believes what it read of them for a second."""

    list_display = ("name", "client_id", "first_party", "is_active")
    search_fields = ("name", "client_id")
    raw_id_fields = ("owner",)
