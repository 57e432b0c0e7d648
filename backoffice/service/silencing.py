"""What alerts now, and what nobody is called for: silences with an end, which are ended and never deleted."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from backoffice.audit import Target
from backoffice.deeds import Deed, DeedForm, perform
from backoffice.desk import reason_field
from backoffice.frame import Menu, page, panel, shown
from backoffice.lists import page_of
from instagram.errors import InvalidParameters, NotFound
from monitoring.alerts import silences
from monitoring.alerts.watch import last_known
from monitoring.figures.table import FIGURES
from monitoring.models import Silence

#: Silences on a page; looks of the watch that may be missing before the page says that it does not run.
COUNT, LATE_LOOKS = 30, 4


class SilenceForm(DeedForm):
    """Which alerts, why, and for how long."""

    why = reason_field(most=300)
    alert = forms.CharField(
        max_length=200,
        help_text="Key of an alert, * for any characters: pool_* or jobs_late:shard_a; a figure's name for every "
        "server of it; * for all.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    minutes = forms.IntegerField(
        label="Minutes", min_value=1, max_value=silences.LONGEST_MIN, initial=30, help_text="At most a week: 10080."
    )


class AddSilence(Deed):
    """Silence alerts."""

    act, button, title, form = "alerts.silence", "Silence", "Silence alerts", SilenceForm

    def __init__(self, *, by: str, alert: str = "") -> None:
        """Take who wants it. alert: a key to begin with."""
        self.by, self._made, self.initial = by, "", {"alert": alert}

    @property
    def target(self) -> Target:
        """Return the silence; before it is there, none."""
        return Target("silence", self._made)

    def consequences(self) -> list[str]:
        """Say what will happen."""
        return [
            "Nobody is called for these alerts until the time is over. They are still looked at, and shown.",
            "What still alerts then is told at once; what ends meanwhile is told as ended.",
        ]

    def state(self) -> dict[str, Any]:
        """Return the silence that was made."""
        if not self._made:
            return {}
        silence = Silence.objects.get(pk=self._made)
        return {"alert": silence.alert, "until": silence.until.isoformat()}

    def do(self, answers: dict[str, Any]) -> str:
        """Add it."""
        try:
            silence = silences.add(by=self.by[:100], why=self.why, **answers)
        except silences.BadSilence as error:
            raise InvalidParameters(str(error)) from error
        self._made = str(silence.pk)
        return f"{silence}."


class EndSilence(Deed):
    """End a silence before its time."""

    act, button = "alerts.silence", "End it now"

    def __init__(self, silence: Silence) -> None:
        """Take the silence."""
        self.silence = silence

    @property
    def target(self) -> Target:
        """Return the silence."""
        return Target("silence", self.silence.pk)

    @property
    def title(self) -> str:
        """Return what ends."""
        return f"End the silence of {self.silence.alert}"

    def refused(self, by: Any) -> str:
        """Refuse what is over."""
        return "" if _stands(self.silence) else "This silence is over."

    def consequences(self) -> list[str]:
        """Say what will happen."""
        return [f"Silenced by {self.silence.by}: {self.silence.why}", "What alerts now is told within a look or two."]

    def state(self) -> dict[str, Any]:
        """Return until when it stands."""
        silence = Silence.objects.get(pk=self.silence.pk)
        return {"alert": silence.alert, "until": silence.until.isoformat(), "ended": silence.ended_at is not None}

    def do(self, answers: dict[str, Any]) -> str:
        """End it."""
        silences.end(self.silence.pk)
        return f"The silence of {self.silence.alert} is over."


@page("alerts/", name="alerts", act="alerts.view", menu=Menu("Service", "Alerts and silences", 30))
def alerts(request: HttpRequest) -> HttpResponse:
    """Show what alerts and what is silenced. Cost: one query on main, and the watch's file where it runs."""
    known = last_known()
    found = page_of(request, Silence.objects.order_by("-id"), count=COUNT)
    standing = [each for each in (known or {}).get("alarms", []) if each.get("level") != "ok"]
    facts = {
        "title": "Alerts and silences", "older": found.older, "newer": found.newer, "longest": silences.LONGEST_MIN,
        "rows": [{"silence": each, "stands": _stands(each)} for each in found.rows],
        "alarms": [each | {"began": _moment(each["since"])} for each in standing],
        "watch": _watch(known), "names": FIGURES,
    }  # fmt: skip
    return shown(request, "service/alerts", facts)


@page("alerts/silence/", name="silence-add", act="alerts.silence", methods=("GET", "HEAD", "POST"))
def add(request: HttpRequest) -> HttpResponse:
    """Silence alerts."""
    deed = AddSilence(by=request.user.get_username(), alert=request.GET.get("alert", "")[:200].replace("\x00", ""))
    return perform(request, deed, back=reverse("admin:alerts"), crumbs=_crumbs())


@page(
    "alerts/silences/<int:silence_id>/end/",
    name="silence-end",
    act="alerts.silence",
    methods=("GET", "HEAD", "POST"),
    example={"silence_id": 1},
)
def end(request: HttpRequest, silence_id: int) -> HttpResponse:
    """End a silence."""
    silence = Silence.objects.filter(pk=silence_id).first() if silence_id < 2**63 else None
    if silence is None:
        raise NotFound(what="silence")
    return perform(request, EndSilence(silence), back=reverse("admin:alerts"), crumbs=_crumbs())


@panel("Alerts", act="alerts.view", order=35)
def firing() -> tuple[str, str, str]:
    """Count what alerts, as the watch of this host wrote it down. Cost: a small file."""
    known = last_known()
    if known is None:
        return "?", "no watch runs on this host", reverse("admin:alerts")
    keys = [each["key"] for each in known["alarms"] if each["level"] != "ok"]
    return str(len(keys)), ", ".join(keys[:3]) or "nothing is wrong", reverse("admin:alerts")


def _watch(known: dict[str, Any] | None) -> str:
    """Return a sentence about the watch where it cannot be believed, else ""."""
    if known is None:
        return "No watch has written on this host: what alerts now is on the host that runs manage.py watch."
    age = timezone.now().timestamp() - known["at"]
    if age > LATE_LOOKS * settings.WATCH_PERIOD_S:
        return f"The watch has not looked for {age:.0f} seconds: manage.py watch does not run on this host."
    return ""


def _stands(silence: Silence) -> bool:
    return silence.ended_at is None and silence.until > timezone.now()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _crumbs() -> list[tuple[str, str]]:
    return [(reverse("admin:alerts"), "Alerts and silences")]
