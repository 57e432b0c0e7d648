"""Django's registered models: applications. What is sharded, and what has a queue, has pages of its own."""

from django.contrib import admin

from accounts.models import OAuthClient

from .desk import ReasonForm
from .frame import Menu


@admin.register(OAuthClient)
class OAuthClientAdmin(admin.ModelAdmin):
    """Applications and their switches; a process believes what it read of them for a second. No secrets."""

    menu = Menu("Service", "Applications", 10)
    form = ReasonForm
    list_display = ("name", "client_id", "owner", "first_party", "is_active")
    list_filter = ("first_party", "is_active")
    list_select_related = ("owner",)
    search_fields = ("name", "=client_id")
    exclude = ("client_secret",)
    readonly_fields = ("client_id", "owner", "created_at", "deleted_at")
    show_full_result_count = False
