"""One case at a time: look, decide; the next one comes by itself."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from backoffice import audit
from backoffice.desk import reason_field
from backoffice.frame import page, shown
from backoffice.people.deeds import DAYS, end_of
from backoffice.roles import may
from instagram.errors import APIError
from moderation import decisions, queue
from moderation.models import Case, Decision, Kind, Verdict

from .alike import likenesses_of, removed_in
from .claiming import known_case, me, note_seen, to_next
from .facts import (
    history_of,
    is_open,
    owner_of,
    owner_of_picture,
    reports_of,
    saying,
    target_of,
    why_not_decide,
    word_of,
)
from .list import asked_of
from .others import MOST, answer_others, others_of
from .thread import thread_of

#: Keys of the page, by verdict; case.js reads them from the buttons.
KEYS = {"dismiss": "d", "hide": "h", "remove": "r", "remove_and_warn": "w", "suspend": "s"}
_CRUMBS = [("cases", "Reports")]


class DecisionForm(forms.Form):
    """A verdict and why; what its owner is told, and for how long a suspension lasts."""

    verdict = forms.ChoiceField(choices=Verdict.choices)
    why = reason_field()
    told = forms.CharField(label="Tell them", max_length=decisions.TOLD_MAX_CHARS, required=False)
    days = forms.ChoiceField(choices=DAYS, required=False)
    others = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a warning that says nothing."""
        answers: dict[str, Any] = super().clean() or {}
        if answers.get("verdict") == Verdict.REMOVE_AND_WARN and not answers.get("told", "").strip():
            self.add_error("told", "Say what is wrong with it: its owner reads this, not the reason.")
        return answers


@page("reports/<int:case_id>/", name="case", act="reports.view", example={"case_id": 1})
def case(request: HttpRequest, case_id: int) -> HttpResponse:
    """Show a case. Cost: some ten queries on main, up to eight on the target's shard."""
    return _shown(request, known_case(case_id))


@page(
    "reports/<int:case_id>/decide/", name="case-decide", act="reports.decide", methods=("POST",), example={"case_id": 1}
)
def decide(request: HttpRequest, case_id: int) -> HttpResponse:
    """Decide a case, write it down, and go to the next."""
    here, form = known_case(case_id), DecisionForm(request.POST)
    if not form.is_valid():
        return _shown(request, here, form=form, status=400)
    answers = form.cleaned_data
    why, verdict = answers["why"], Verdict(answers["verdict"])
    if why_not := why_not_decide(request.user, verdict, owner_of(here)):
        form.add_error(None, why_not)
        return _shown(request, here, form=form, status=409)

    actor = audit.actor_of(request)

    def note(case: Case, decision: Decision) -> None:
        audit.record(
            actor, "reports.decide", target=audit.Target(word_of(case.kind), case.target_id), reason=why,
            before={"case": case.pk, "reports": len(decision.before["reviews"]), **_as_it_was(decision)},
            after={"decision": decision.pk, "verdict": decision.verdict, "until": _day(decision.suspend_until)},
        )  # fmt: skip

    said: dict[str, Any] = {
        "moderator_id": me(request), "verdict": verdict, "reason": why, "told": answers["told"],
        "suspend_until": end_of(answers["days"]),
    }  # fmt: skip
    try:
        decision = decisions.decide(case_id, noted=lambda made: note(here, made), **said)
    except APIError as error:
        form.add_error(None, error.message)
        return _shown(request, known_case(case_id), form=form, status=error.status)
    undo = reverse("admin:decision-undo", args=[decision.pk])
    messages.success(
        request, format_html('Decided: {}. <a href="{}" data-key="u"><kbd>u</kbd> Undo</a>', saying(decision), undo)
    )
    if answers["others"]:
        _tell_of_others(request, here, answer_others(here, noted=note, **said))
    return to_next(request)


def _shown(request: HttpRequest, here: Case, *, form: DecisionForm | None = None, status: int = 200) -> HttpResponse:
    holder = queue.held_by(here)
    # Asked anew: who had the case may have another role since.
    may_decide = may(request.user, "reports.decide")
    mine = may_decide and holder is not None and holder.pk == me(request) and here.closed_at is None
    owner, owner_of_it = owner_of(here), owner_of_picture(here)
    with_image = mine or is_open(owner_of_it)
    likenesses = likenesses_of(here, with_images=mine)
    if mine:
        note_seen(request, here, owner=owner_of_it, removed=removed_in(likenesses))
    found = target_of(here.kind, here.target_id, with_image=with_image)
    fitting = [
        {"value": verdict.value, "label": verdict.label, "key": KEYS[verdict.value]}
        for verdict in decisions.FITTING[Kind(here.kind)]
        if not why_not_decide(request.user, verdict, owner)
    ]
    facts: dict[str, Any] = {
        "title": f"Report: {found.title}", "crumbs": [(reverse(f"admin:{name}"), label) for name, label in _CRUMBS],
        "case": here, "what": word_of(here.kind), "target": found, "owner": owner, "asked": asked_of(request),
        "holder": holder, "mine": mine, "own": queue.is_own(here, me(request)), "fitting": fitting, "form": form,
        "days": DAYS, "for_days": form["days"].value() if form else "7",
        "reports": reports_of(here.kind, here.target_id), "history": history_of(here.kind, here.target_id),
        "likenesses": likenesses, "hidden_image": not with_image,
        "entries_of_owner": _record_of(here.about_user_id),
        "thread": thread_of(here.target_id) if here.kind == Kind.COMMENT and with_image else [],
        "others": others_of(here, me(request)) if here.closed_at is None else [], "most_others": MOST,
    }  # fmt: skip
    return shown(request, "case", facts, status=status)


def _tell_of_others(request: HttpRequest, here: Case, answered: int) -> None:
    address = f"{reverse('admin:decisions')}?{urlencode({'about': here.about_user_id})}"
    messages.success(
        request,
        format_html('{} other cases of theirs are answered as well: <a href="{}">see them</a>.', answered, address),
    )


def _as_it_was(decision: Decision) -> dict[str, Any]:
    """Return how a decision found its target, for the log: less what its owner was told, since that is words."""
    facts = {name: value for name, value in decision.before.items() if name != "reviews"}
    if facts.get("suspension"):
        facts["suspension"] = {name: value for name, value in facts["suspension"].items() if name != "told"}
    return facts


def _day(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _record_of(user_id: int) -> dict[str, int]:
    """Return how often what somebody owns was decided about, and stands. Cost: one query on main."""
    verdicts = Decision.objects.filter(about_user_id=user_id, undone_at=None).values_list("verdict", flat=True)
    found = list(verdicts[:1_000])
    return {"wrong": sum(each != Verdict.DISMISS for each in found), "dismissed": found.count(Verdict.DISMISS)}
