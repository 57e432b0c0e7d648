"""The board of switches in Django admin: what is on, buttons to turn each, and below it who did what when."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from sharding import ShardUnavailable

from . import services, state
from .catalogue import SWITCHES, UnknownSwitchError
from .models import BY_MAX_CHARS, REASON_MAX_CHARS, Change

#: Minutes of the end times on offer; 0: until somebody turns it off.
ENDS = (
    (0, "until turned off"),
    (15, "for 15 minutes"),
    (60, "for an hour"),
    (360, "for six hours"),
    (1440, "for a day"),
)


class _TurnForm(forms.Form):
    """What a button of the board sends."""

    name = forms.ChoiceField(choices=[(name, name) for name in SWITCHES])
    target = forms.CharField(required=False, max_length=63)
    on = forms.TypedChoiceField(choices=[("1", "on"), ("0", "off")], coerce=lambda value: value == "1")
    reason = forms.CharField(max_length=REASON_MAX_CHARS)
    minutes = forms.TypedChoiceField(choices=ENDS, coerce=int, required=False, empty_value=None)


@admin.register(Change)
class ChangeAdmin(admin.ModelAdmin):
    """The board, then the history; nothing of the history can be changed."""

    change_list_template = "switches/board.html"
    list_display = ("at", "name", "concerns", "on", "reason", "by", "until")
    list_display_links = None
    list_filter = ("name",)
    show_full_result_count = False

    @admin.display(description="concerns")
    def concerns(self, change: Change) -> str:
        """Say whom a change concerns."""
        return change.target or "everybody"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """History stays as it was."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """History stays."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the board's own address; changes are added by it alone."""
        turn = path("turn/", self.admin_site.admin_view(require_POST(self.turn)), name="switches_turn")
        return [turn, *(url for url in super().get_urls() if url.name != "switches_change_add")]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the board above the history."""
        facts = {
            "title": "Switches",
            "board": _board(),
            "ends": ENDS,
            "may_turn": self.has_add_permission(request),
            "reason_max_chars": REASON_MAX_CHARS,
        }
        return super().changelist_view(request, (extra_context or {}) | facts)

    def turn(self, request: HttpRequest) -> HttpResponse:
        """Turn a switch and come back to the board; what is missing is said there."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = _TurnForm(request.POST)
        if form.is_valid():
            level, said = _turned(form.cleaned_data, by=request.user.get_username()[:BY_MAX_CHARS])
        else:
            level, said = messages.ERROR, "Nothing was switched: give a reason, and use the buttons of this page."
        self.message_user(request, said, level)
        return HttpResponseRedirect(reverse("admin:switches_change_changelist"))


def _turned(asked: dict[str, Any], *, by: str) -> tuple[int, str]:
    facts = {"target": asked["target"], "reason": asked["reason"], "by": by}
    try:
        if not asked["on"]:
            was_on = services.turn_off(asked["name"], **facts) is not None
            return messages.SUCCESS, f"{asked['name']} is off." if was_on else f"{asked['name']} was not on."
        minutes = asked["minutes"]  # None or 0: no end
        until = timezone.now() + timedelta(minutes=minutes) if minutes else None
        change = services.turn_on(asked["name"], until=until, **facts)
    except (UnknownSwitchError, services.NotSwitchedError) as error:
        return messages.ERROR, f"Nothing was switched: {error}."
    except ShardUnavailable:
        return messages.ERROR, "Main does not answer: nothing was switched."
    return messages.SUCCESS, f"{change}. It acts everywhere within some seconds."


def _board() -> list[dict[str, Any]]:
    """Return the switches, each with the rows that are on."""
    on = state.read_main()["on"]
    rows = [
        {"name": name, "target": target, "reason": reason, "by": by, "at": _moment(at), "until": _moment(until)}
        for name, target, reason, by, at, until in on
    ]
    return [{"switch": switch, "on": [row for row in rows if row["name"] == name]} for name, switch in SWITCHES.items()]


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=timezone.get_current_timezone())
