"""The board of switches: what is on, buttons to turn each, and below it who did what when."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from backoffice.audit import Target
from backoffice.deeds import Deed, DeedForm, perform
from backoffice.desk import REASON_HELP, reason_field
from backoffice.frame import Menu, page, panel, shown
from backoffice.lists import page_of
from instagram.errors import InvalidParameters, NotFound
from switches import services, state
from switches.catalogue import SWITCHES, Switch, UnknownSwitchError
from switches.models import BY_MAX_CHARS, REASON_MAX_CHARS, Change

#: Minutes of the end times on offer; 0: until somebody turns it off.
ENDS = (
    (0, "until turned off"),
    (15, "for 15 minutes"),
    (60, "for an hour"),
    (360, "for six hours"),
    (1440, "for a day"),
)
#: Changes on a page below the board.
COUNT = 20
_HELP = f"{REASON_HELP} People may read it on the status page."


class TurnOffForm(DeedForm):
    """Why, and for whom."""

    why = reason_field(most=REASON_MAX_CHARS, help_text=_HELP)
    target = forms.CharField(label="Shard", required=False, max_length=63, help_text="Empty: everybody.")


class TurnOnForm(TurnOffForm):
    """And for how long."""

    minutes = forms.TypedChoiceField(label="How long", choices=ENDS, coerce=int, required=False, initial=0)


class Turn(Deed):
    """Turn a switch on or off."""

    act = "switches.turn"

    def __init__(self, switch: Switch, *, on: bool, target: str, by: str) -> None:
        """Take the switch and its target, empty for everybody; by: who turns it."""
        self.switch, self.on, self.by = switch, on, by
        self.button = "Turn on" if on else "Turn off"
        asks = TurnOnForm if on else TurnOffForm
        hidden = forms.CharField(required=False, max_length=63, widget=forms.HiddenInput())
        self.form = asks if switch.has_target else type("TurnForm", (asks,), {"target": hidden})
        self.initial = {"target": target}

    @property
    def target(self) -> Target:
        """Return the switch."""
        return Target("switch", self.switch.name)

    @property
    def title(self) -> str:
        """Return the act and the switch."""
        return f"{self.button}: {self.switch.name}"

    def consequences(self) -> list[str]:
        """Say what it does."""
        does = f"While it is on: {self.switch.does}."
        if self.on:
            return [does, "It acts in every process within some seconds."]
        return [does, "Turned off, jobs that waited for it run at once."]

    def state(self) -> dict[str, Any]:
        """Return for whom it is on, and until when."""
        return {
            target or "everybody": "until turned off" if until is None else _moment(until).isoformat()
            for name, target, _reason, _by, _at, until in state.read_main()["on"]
            if name == self.switch.name
        }

    def do(self, answers: dict[str, Any]) -> str:
        """Turn it."""
        facts = {"target": answers["target"], "reason": self.why, "by": self.by[:BY_MAX_CHARS]}
        try:
            if not self.on:
                if services.turn_off(self.switch.name, **facts) is None:
                    raise InvalidParameters(f"{self.switch.name} is not on for {facts['target'] or 'everybody'}")
                return f"{self.switch.name} is off."
            minutes = answers["minutes"]  # "" or 0: no end
            until = timezone.now() + timedelta(minutes=minutes) if minutes else None
            change = services.turn_on(self.switch.name, until=until, **facts)
        except (UnknownSwitchError, services.NotSwitchedError) as error:
            raise InvalidParameters(str(error)) from error
        return f"{change}. It acts everywhere within some seconds."


@page("switches/", name="switches", act="switches.view", menu=Menu("Service", "Switches", 20))
def board(request: HttpRequest) -> HttpResponse:
    """Show the board and the history. Cost: two queries on main."""
    history = page_of(request, Change.objects.all(), count=COUNT)
    facts = {
        "title": "Switches", "board": _board(), "ends": ENDS, "reason_max_chars": REASON_MAX_CHARS,
        "rows": history.rows, "older": history.older, "newer": history.newer,
    }  # fmt: skip
    return shown(request, "service/switches", facts)


@page(
    "switches/<slug:name>/<str:way>/",
    name="switch-turn",
    act="switches.turn",
    methods=("GET", "HEAD", "POST"),
    example={"name": "short_feeds", "way": "on"},
)
def turn(request: HttpRequest, name: str, way: str) -> HttpResponse:
    """Turn a switch."""
    switch = SWITCHES.get(name)
    if switch is None or way not in ("on", "off"):
        raise NotFound(what="switch")
    address = reverse("admin:switches")
    deed = Turn(switch, on=way == "on", target=request.GET.get("target", "")[:63], by=request.user.get_username())
    return perform(request, deed, back=address, crumbs=[(address, "Switches")])


@panel("Switches on", act="switches.view", order=40)
def switched_on() -> tuple[str, str, str]:
    """Count what is on, as this process knows it. Cost: nothing."""
    found = state.all_active()
    names = ", ".join(dict.fromkeys(each.name for each in found))
    return str(len(found)), names or "everything is on duty", reverse("admin:switches")


def _board() -> list[dict[str, Any]]:
    """Return the switches, each with the rows that are on. Cost: one query on main."""
    rows = [
        {"name": name, "target": target, "reason": reason, "by": by, "at": _moment(at),
         "until": until and _moment(until)}
        for name, target, reason, by, at, until in state.read_main()["on"]
    ]  # fmt: skip
    return [{"switch": switch, "on": [row for row in rows if row["name"] == name]} for name, switch in SWITCHES.items()]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=timezone.get_current_timezone())
