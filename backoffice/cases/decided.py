"""What was decided, newest first, and undoing it."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from backoffice.audit import Target
from backoffice.deeds import Deed, perform
from backoffice.frame import Menu, page, shown
from backoffice.lists import PlainText, Questions, page_of
from backoffice.people.finding import the_person
from backoffice.roles import may
from instagram.errors import NotFound
from moderation import decisions
from moderation.models import Decision, Verdict

from .facts import owner_of, saying, why_not_decide, word_of

_STATES = [("", "any"), ("stands", "stands"), ("undone", "undone"), ("final", "final")]


class DecisionQuestions(Questions):
    """What the list can be asked."""

    moderator = PlainText("Moderator", most=30)
    verdict = forms.ChoiceField(label="Decision", required=False, choices=[("", "any"), *Verdict.choices])
    state = forms.ChoiceField(label="State", required=False, choices=_STATES)
    about = PlainText("About: id, @name, e-mail", most=300)

    def __init__(self, request: HttpRequest) -> None:
        """Take what is asked, and by whom: not everybody may find people by e-mail and phone."""
        super().__init__(request.GET)
        self._request = request
        if not may(request.user, "people.contact"):
            self.fields["about"].label = "About: id, @name"

    def clean_about(self) -> int | None:
        """Return the one person that is meant; by id also who is gone, since decisions stay."""
        text = self.cleaned_data["about"].strip()
        if text.isascii() and text.isdecimal() and len(text) < 19:
            return int(text)
        return the_person(self._request, text, field="about")


@page("decisions/", name="decisions", act="decisions.view", menu=Menu("What is going on", "Decisions", 20))
def decided(request: HttpRequest) -> HttpResponse:
    """Show decisions. Cost: three queries on main."""
    form = DecisionQuestions(request)
    rows = Decision.objects.none()
    if form.is_valid():
        asked = form.asked()
        rows = Decision.objects.select_related("moderator", "undone_by")
        if "moderator" in asked:
            rows = rows.filter(moderator__username=asked["moderator"].lower().removeprefix("@"))
        if "verdict" in asked:
            rows = rows.filter(verdict=asked["verdict"])
        if "about" in asked:
            rows = rows.filter(about_user_id=asked["about"])
        rows = {
            "stands": rows.filter(undone_at=None, final_at=None),
            "undone": rows.exclude(undone_at=None),
            "final": rows.exclude(final_at=None),
        }.get(asked.get("state", ""), rows)
    found = page_of(request, rows)
    people = User.objects.in_bulk({each.about_user_id for each in found.rows})
    shown_rows = [
        {
            "decision": each,
            "what": word_of(each.kind),
            "owner": people.get(each.about_user_id),
            "undoable": not _why_final(each),
        }
        for each in found.rows
    ]
    facts = {"title": "Decisions", "form": form, "rows": shown_rows, "older": found.older, "newer": found.newer}
    return shown(request, "decisions", facts, status=200 if form.is_valid() else 400)


@page("decisions/<int:decision_id>/", name="decision", act="decisions.view", example={"decision_id": 1})
def decision(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Show a decision, and what it was about as it was before and after. Cost: three queries on main."""
    found = _known(decision_id)
    facts = {
        "title": saying(found), "crumbs": [(reverse("admin:decisions"), "Decisions")],
        "decision": found, "what": word_of(found.kind), "owner": owner_of(found), "undoable": not _why_final(found),
        "changes": _changes(found), "reports": len(found.before.get("reviews", ())),
    }  # fmt: skip
    return shown(request, "decision", facts)


@page(
    "decisions/<int:decision_id>/undo/",
    name="decision-undo",
    act="reports.undo",
    methods=("GET", "HEAD", "POST"),
    example={"decision_id": 1},
)
def undo(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Undo a decision, after saying what comes back."""
    found = _known(decision_id)
    back = reverse("admin:case", args=[found.case_id])
    return perform(request, Undo(found, by=request.user), back=back, crumbs=[(reverse("admin:decisions"), "Decisions")])


class Undo(Deed):
    """Take a decision back."""

    act, button = "reports.undo", "Undo the decision"

    def __init__(self, decision: Decision, *, by: Any) -> None:
        """Take the decision, and who undoes it."""
        self.decision, self.by = decision, by

    @property
    def target(self) -> Target:
        """Return what was decided about."""
        return Target(word_of(self.decision.kind), self.decision.target_id)

    @property
    def title(self) -> str:
        """Return the decision in words."""
        return f"Undo: {saying(self.decision)}"

    def refused(self, by: Any) -> str:
        """Refuse what is undone or final, and what they could not have decided themselves."""
        return _why_final(self.decision) or why_not_decide(by, self.decision.verdict, owner_of(self.decision))

    def consequences(self) -> list[str]:
        """Say what comes back."""
        back = {
            Verdict.DISMISS: "What was hidden when it was dismissed is hidden again; else nothing changes for anybody.",
            Verdict.HIDE: "The photo is found in Popular, tags, places and search again.",
            Verdict.REMOVE: "It is seen again with likes, comments and numbers, in feeds, News, tags and places.",
            Verdict.SUSPEND: "Its owner's suspension is as it was before, unless staff has ended or changed it since.",
        }
        verdict = Verdict(self.decision.verdict)
        first = back[Verdict.REMOVE if verdict == Verdict.REMOVE_AND_WARN else verdict]
        return [first, self._what_waits(), "It takes a few seconds."]

    def _what_waits(self) -> str:
        if self.decision.before.get("reviews") or any(flag["source"] != "staff" for flag in self.decision.case.flags):
            return "Its reports are open again, and the case waits in the queue."
        return "Nobody had reported it, so no case waits in the queue afterwards."

    def state(self) -> dict[str, Any]:
        """Return whether the decision stands."""
        decision = Decision.objects.get(pk=self.decision.pk)
        return {"decision": decision.pk, "verdict": decision.verdict, "stands": decision.undone_at is None}

    def do(self, answers: dict[str, Any]) -> str:
        """Undo it."""
        decisions.undo(self.decision.pk, moderator_id=self.by.pk, reason=self.why)
        return "The decision is undone; what it did is taken back now."


def _known(decision_id: int) -> Decision:
    found = Decision.objects.select_related("moderator", "undone_by").filter(pk=decision_id).first()
    if found is None:
        raise NotFound(what="decision")
    return found


def _changes(decision: Decision) -> list[tuple[str, str, str]]:
    """Return what is known of a target, before and after: (name, was, is), "–" where it is not known."""
    names = [name for name in {**decision.before, **decision.after} if name != "reviews"]
    return [
        (name.replace("_", " "), _in_words(decision.before, name), _in_words(decision.after, name)) for name in names
    ]


def _in_words(facts: dict[str, Any], name: str) -> str:
    if name not in facts:
        return "–"
    value = facts[name]
    if name == "suspension" and value:
        until = (
            f"until {datetime.fromisoformat(value['until']):%Y-%m-%d %H:%M}"
            if value["until"]
            else "until staff ends it"
        )
        return until + (f", decision {value['decision']}" if value["decision"] else "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _why_final(decision: Decision) -> str:
    if decision.undone_at is not None:
        return "This decision is undone already."
    if decision.final_at is not None or timezone.now() >= decisions.undoable_until(decision):
        return f"After {settings.UNDO_DAYS} days a decision is final: what it removed is deleted for good."
    return ""
