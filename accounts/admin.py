"""People and applications in Django admin."""

from django.contrib import admin

from .models import OAuthClient, User


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """People, found by name or e-mail."""

    list_display = ("id", "username", "full_name", "is_private", "is_active", "date_joined")
    search_fields = ("username", "email", "full_name")
    readonly_fields = ("password", "last_login", "date_joined")
    show_full_result_count = False


@admin.register(OAuthClient)
class OAuthClientAdmin(admin.ModelAdmin):
    """Applications and their switches."""

    list_display = ("name", "client_id", "first_party", "is_active")
    search_fields = ("name", "client_id")
    raw_id_fields = ("owner",)
