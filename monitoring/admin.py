"""Silences in Django admin: who may, adds one with an end; it is ended, never deleted, so that it stays known."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from .alerts import silences
from .models import Silence


class _Form(forms.ModelForm):
    """Asks for minutes, as the command does."""

    minutes = forms.IntegerField(min_value=1, max_value=silences.LONGEST_MIN, initial=30)

    class Meta:
        model = Silence
        fields = ("alert", "why")


@admin.register(Silence)
class SilenceAdmin(admin.ModelAdmin):
    """What nobody is called for, newest first."""

    form = _Form
    list_display = ("alert", "until", "why", "by", "created_at", "stands")
    search_fields = ("alert", "why", "by")
    actions = ("end",)
    show_full_result_count = False

    @admin.display(boolean=True, description="stands")
    def stands(self, silence: Silence) -> bool:
        """Say whether it mutes anything now."""
        return silence.ended_at is None and silence.until > timezone.now()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was silenced stays as it was; it can be ended."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Silences are the record of who did not want to know."""
        return False

    def save_model(self, request: HttpRequest, obj: Silence, form: Any, change: bool) -> None:
        """Add it in the name of who asks."""
        obj.until = timezone.now() + timedelta(minutes=form.cleaned_data["minutes"])
        obj.by = request.user.get_username()
        super().save_model(request, obj, form, change)

    @admin.action(description="End now")
    def end(self, request: HttpRequest, queryset: QuerySet[Silence]) -> None:
        """End those chosen that stand."""
        ended = sum(silences.end(silence.pk) for silence in queryset)
        self.message_user(request, f"{ended} silences ended.", messages.SUCCESS)
