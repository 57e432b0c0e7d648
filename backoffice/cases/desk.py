"""One case at a time: take the next, look, decide; the next one comes by itself."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from backoffice import audit
from backoffice.desk import reason_field
from backoffice.frame import page, shown
from backoffice.roles import may
from instagram.errors import APIError, NotFound
from moderation import decisions, queue
from moderation.models import Case, Decision, Kind, Verdict

from .alike import likenesses_of, removed_photos_of
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
from .list import CaseQuestions

#: Keys of the page, by verdict; case.js reads them from the buttons.
KEYS = {"dismiss": "d", "hide": "h", "remove": "r", "remove_and_warn": "w", "suspend": "s"}
_CRUMBS = [("cases", "Reports")]


class DecisionForm(forms.Form):
    """A verdict and why."""

    verdict = forms.ChoiceField(choices=Verdict.choices)
    why = reason_field()


@page("reports/<int:case_id>/", name="case", act="reports.view", example={"case_id": 1})
def case(request: HttpRequest, case_id: int) -> HttpResponse:
    """Show a case. Cost: six queries on main, up to three on the target's shard."""
    return _shown(request, _known(case_id))


@page("reports/next/", name="case-next", act="reports.claim", methods=("POST",))
def take_next(request: HttpRequest) -> HttpResponse:
    """Claim the heaviest case that nobody looks at, and show it."""
    form = CaseQuestions(request.POST)
    return _next(request, form.asked() if form.is_valid() else {})


@page("reports/<int:case_id>/claim/", name="case-claim", act="reports.claim", methods=("POST",), example={"case_id": 1})
def claim(request: HttpRequest, case_id: int) -> HttpResponse:
    """Claim a case that was found in the list."""
    _claim(request, case_id)
    return HttpResponseRedirect(reverse("admin:case", args=[case_id]))


@page(
    "reports/<int:case_id>/release/",
    name="case-release",
    act="reports.claim",
    methods=("POST",),
    example={"case_id": 1},
)
def release(request: HttpRequest, case_id: int) -> HttpResponse:
    """Give a claimed case back to the queue."""
    queue.release(case_id, moderator_id=_me(request))
    return HttpResponseRedirect(reverse("admin:cases"))


@page(
    "reports/<int:case_id>/move/", name="case-move", act="reports.claim", methods=("POST",), example={"case_id": 1}
)  # the keys j and k
def move(request: HttpRequest, case_id: int) -> HttpResponse:
    """Leave a case undecided and claim its neighbour in the queue."""
    here = _known(case_id)
    forward = request.POST.get("to") != "previous"
    queue.release(case_id, moderator_id=_me(request))
    other = queue.neighbour(here, moderator_id=_me(request), forward=forward)
    if other is None:
        messages.info(request, "The queue ends here.")
        return HttpResponseRedirect(reverse("admin:cases"))
    _claim(request, other.pk)
    return HttpResponseRedirect(reverse("admin:case", args=[other.pk]))


@page(
    "reports/<int:case_id>/decide/", name="case-decide", act="reports.decide", methods=("POST",), example={"case_id": 1}
)
def decide(request: HttpRequest, case_id: int) -> HttpResponse:
    """Decide a case, write it down, and go to the next."""
    here, form = _known(case_id), DecisionForm(request.POST)
    if not form.is_valid():
        return _shown(request, here, form=form, status=400)
    why, verdict = form.cleaned_data["why"], Verdict(form.cleaned_data["verdict"])
    if why_not := why_not_decide(request.user, verdict, owner_of(here)):
        form.add_error(None, why_not)
        return _shown(request, here, form=form, status=409)

    def note(decision: Decision) -> None:
        audit.record(
            audit.actor_of(request), "reports.decide", target=audit.Target(word_of(here.kind), here.target_id),
            reason=why,
            before={"case": here.pk, "reports": len(decision.before["reviews"])},
            after={"decision": decision.pk, "verdict": decision.verdict},
        )  # fmt: skip

    try:
        decision = decisions.decide(case_id, moderator_id=_me(request), verdict=verdict, reason=why, noted=note)
    except APIError as error:
        form.add_error(None, error.message)
        return _shown(request, _known(case_id), form=form, status=error.status)
    undo = reverse("admin:decision-undo", args=[decision.pk])
    messages.success(request, format_html('Decided: {}. <a href="{}">Undo</a>', saying(decision), undo))
    return _next(request, {})


def _next(request: HttpRequest, asked: Mapping[str, str]) -> HttpResponse:
    """Claim the heaviest free case of what the queue was asked for, and lead to it."""
    cases = queue.free_for(_me(request), queue.open_cases(kind=asked.get("kind"), source=asked.get("source")))
    for found in cases[:5]:  # others may be faster
        try:
            _claim(request, found.pk)
        except APIError:
            continue
        return HttpResponseRedirect(reverse("admin:case", args=[found.pk]))
    messages.info(request, "Nothing waits for you.")
    return HttpResponseRedirect(reverse("admin:cases"))


def _claim(request: HttpRequest, case_id: int) -> None:
    claimed = queue.claim(case_id, moderator_id=_me(request))
    owner = owner_of_picture(claimed)
    if owner is not None and not is_open(owner):
        # Who has the case is shown what a private account posted.
        audit.record(audit.actor_of(request), "people.private_photos", target=audit.Target("person", owner.pk))
    for photo_id in removed_photos_of(claimed):
        audit.record(audit.actor_of(request), "people.private_photos", target=audit.Target("photo", photo_id))


def _shown(request: HttpRequest, here: Case, *, form: DecisionForm | None = None, status: int = 200) -> HttpResponse:
    holder = queue.held_by(here)
    # Asked anew: who had the case may have another role since.
    may_decide = may(request.user, "reports.decide")
    mine = may_decide and holder is not None and holder.pk == _me(request) and here.closed_at is None
    owner = owner_of(here)
    with_image = mine or is_open(owner_of_picture(here))
    found = target_of(here.kind, here.target_id, with_image=with_image)
    fitting = [
        {"value": verdict.value, "label": verdict.label, "key": KEYS[verdict.value]}
        for verdict in decisions.FITTING[Kind(here.kind)]
        if not why_not_decide(request.user, verdict, owner)
    ]
    facts: dict[str, Any] = {
        "title": f"Report: {found.title}", "crumbs": [(reverse(f"admin:{name}"), label) for name, label in _CRUMBS],
        "case": here, "what": word_of(here.kind), "target": found, "owner": owner,
        "holder": holder, "mine": mine, "fitting": fitting, "form": form,
        "reports": reports_of(here.kind, here.target_id), "history": history_of(here.kind, here.target_id),
        "likenesses": likenesses_of(here, with_images=mine), "hidden_image": not with_image,
        "entries_of_owner": _record_of(here.about_user_id),
    }  # fmt: skip
    return shown(request, "case", facts, status=status)


def _record_of(user_id: int) -> dict[str, int]:
    """Return how often what somebody owns was decided about, and stands. Cost: one query on main."""
    verdicts = Decision.objects.filter(about_user_id=user_id, undone_at=None).values_list("verdict", flat=True)
    found = list(verdicts[:1_000])
    return {"wrong": sum(each != Verdict.DISMISS for each in found), "dismissed": found.count(Verdict.DISMISS)}


def _known(case_id: int) -> Case:
    found = Case.objects.select_related("claimed_by").filter(pk=case_id).first()
    if found is None:
        raise NotFound(what="case")
    return found


def _me(request: HttpRequest) -> int:
    return int(request.user.pk or 0)
