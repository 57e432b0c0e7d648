"""People and applications in Django admin."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from . import reports
from .models import OAuthClient, Report, User
from .services import presence, request_confirmation


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """People, found by name or e-mail."""

    list_display = ("id", "username", "full_name", "is_private", "is_active", "date_joined")
    search_fields = ("username", "email", "full_name")
    readonly_fields = ("password", "last_login", "date_joined", "deactivated_at", "email_confirmed_at")
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, and have what is cached of the person read anew: a suspension counts at once."""
        moved = change and "email" in form.changed_data
        with transaction.atomic():
            if moved:
                obj.email_confirmed_at = None
            super().save_model(request, obj, form, change)
            if moved:
                request_confirmation(obj.pk)
            presence.changed(obj.pk)


@admin.register(OAuthClient)
class OAuthClientAdmin(admin.ModelAdmin):
    """Applications and their switches; a process believes what it read of them for a second."""

    list_display = ("name", "client_id", "first_party", "is_active")
    search_fields = ("name", "client_id")
    raw_id_fields = ("owner",)


@admin.register(Report)
class ReportAdmin(admin.ModelAdmin):
    """What people report, newest first; staff upholds or dismisses it, and what it hid follows at once."""

    list_display = ("created_at", "kind", "target_id", "about_user_id", "reason", "text", "reporter", "review")
    list_filter = ("review", "kind", "reason")
    list_select_related = ("reporter",)
    search_fields = ("=target_id", "=about_user_id")
    readonly_fields = ("reporter", "kind", "target_id", "about_user_id", "reason", "text", "created_at")
    ordering = ("-created_at",)
    actions = ("uphold", "dismiss")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Reports come from people."""
        return False

    @admin.action(description="Uphold: the photo stays hidden")
    def uphold(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        """Agree with the reporters."""
        reports.review(queryset, Report.Review.UPHELD)

    @admin.action(description="Dismiss: the photo may be shown")
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        """Disagree; as many new people would have to report it again."""
        reports.review(queryset, Report.Review.DISMISSED)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, and have what is hidden read anew."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            reports.forget([obj.target_id])
