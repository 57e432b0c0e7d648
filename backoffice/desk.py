"""Registered models in the admin: guarded by the table of acts, every change with a reason and written down."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.encoding import force_str

from . import audit
from .audit import REASON_MAX_CHARS, Target
from .proof import ask_for_proof, is_proved
from .roles import act_on_model, may

REASON_HELP = "Why? It goes into the audit log, for good; name nobody."


def reason_field(*, most: int = REASON_MAX_CHARS, help_text: str = REASON_HELP) -> forms.CharField:
    """Return the field that asks why. most: characters, where something else keeps the reason as well."""
    widget = forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"})
    return forms.CharField(max_length=most, help_text=help_text, widget=widget)


class ReasonForm(forms.ModelForm):
    """A model's form that asks why: `form = ReasonForm` in an admin class that lets somebody change something."""

    why = reason_field()


class RoleGuard(admin.ModelAdmin):
    """Stands before every registered admin class: permissions by role, the password before dangerous acts, audit."""

    def _may(self, request: HttpRequest, verb: str) -> bool:
        act = act_on_model(self.opts.label_lower, verb)
        return act is not None and may(request.user, act.name)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the role may look."""
        return self._may(request, "view") and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the role may add."""
        return self._may(request, "add") and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the role may change."""
        return self._may(request, "change") and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the role may delete."""
        return self._may(request, "delete") and super().has_delete_permission(request, obj)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for the password before a dangerous change; looking asks for nothing."""
        act = act_on_model(self.opts.label_lower, "change")
        if request.method == "POST" and act is not None and act.dangerous and not is_proved(request):
            return ask_for_proof(request)
        return super().changeform_view(request, *args, **kwargs)

    def construct_change_message(self, request: Any, form: Any, formsets: Any, add: bool = False) -> Any:
        """Keep for the log what the form changed."""
        names = [name for name in form.changed_data if name != "why"]
        request.office_change = (
            {name: _plain(form.initial.get(name)) for name in names},
            {name: _plain(form.cleaned_data.get(name)) for name in names},
            form.cleaned_data.get("why", ""),
        )
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: Any, obj: Any, message: Any) -> Any:
        """Write an addition down in our log, not in Django's."""
        self._log(request, obj, "add")

    def log_change(self, request: Any, obj: Any, message: Any) -> Any:
        """Write a change down in our log, not in Django's."""
        self._log(request, obj, "change")

    def log_deletions(self, request: Any, queryset: Any) -> Any:
        """Write deletions down in our log, not in Django's."""
        for obj in queryset:
            self._log(request, obj, "delete")

    def _log(self, request: Any, obj: Any, verb: str) -> None:
        act = act_on_model(self.opts.label_lower, verb)
        before, after, reason = getattr(request, "office_change", (None, None, ""))
        # The permission was asked: there is an act.
        audit.record(
            audit.actor_of(request), act.name if act else "", reason=reason, before=before, after=after,
            target=Target(self._kind(), obj.pk),
        )  # fmt: skip

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show our log of the object instead of Django's."""
        return HttpResponseRedirect(f"{reverse('admin:audit')}?{urlencode({'target': f'{self._kind()} {object_id}'})}")

    def _kind(self) -> str:
        """Return what the audit log calls such an object."""
        return str(self.opts.verbose_name).replace(" ", "_")


def _plain(value: Any) -> Any:
    """Return a field's value as JSON takes it; people as their ids."""
    if isinstance(value, get_user_model()):
        return value.pk
    return value if isinstance(value, str | int | bool | float | None) else force_str(value)
