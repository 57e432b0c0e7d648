"""Django's registered models: applications, and reports until they have a queue of their own."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import reports
from accounts.models import OAuthClient, Report

from . import audit
from .desk import ReasonActionForm, ReasonForm
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


@admin.register(Report)
class ReportAdmin(admin.ModelAdmin):
    """What people report, newest first; staff upholds or dismisses it, and what it hid follows at once."""

    menu = Menu("What is going on", "Reports", 10)
    form = ReasonForm
    action_form = ReasonActionForm
    list_display = ("created_at", "kind", "target_id", "about_user_id", "reason", "text", "reporter", "review")
    list_filter = ("review", "kind", "reason")
    list_select_related = ("reporter",)
    search_fields = ("=target_id", "=about_user_id")
    ordering = ("-created_at",)
    actions = ("uphold", "dismiss")
    show_full_result_count = False
    readonly_fields = ("reporter", "kind", "target_id", "about_user_id", "reason", "text", "review", "created_at")
    fields = readonly_fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Reports come from people."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes a report; the actions on the list review it."""
        return obj is None and super().has_change_permission(request)

    @admin.action(description="Uphold: the photo stays hidden", permissions=["change"])
    def uphold(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        """Agree with the reporters."""
        self._review(request, queryset, Report.Review.UPHELD)

    @admin.action(description="Dismiss: the photo may be shown", permissions=["change"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        """Disagree; as many new people would have to report it again."""
        self._review(request, queryset, Report.Review.DISMISSED)

    def _review(self, request: Any, queryset: QuerySet[Report], verdict: Report.Review) -> None:
        why = str(request.POST.get("why", "")).strip()
        if not 0 < len(why) <= audit.REASON_MAX_CHARS:
            messages.error(request, "Nothing was changed: say why, beside the action, in at most 1,000 characters.")
            return
        with transaction.atomic():
            for row in queryset.select_for_update(of=("self",)):
                audit.record(
                    audit.actor_of(request), "reports.review", target=audit.Target("report", row.pk), reason=why,
                    before={"review": row.review}, after={"review": verdict.value},
                )  # fmt: skip
            reports.review(queryset, verdict)
