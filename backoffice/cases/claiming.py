"""Taking cases to look at, giving them back, walking the queue. What the queue is narrowed to stays so on the way."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.models import User
from backoffice import audit
from backoffice.frame import page
from backoffice.models import Entry
from instagram.errors import APIError, NotFound
from moderation import gone, queue
from moderation.models import Case

from .alike import likenesses_of, removed_in
from .facts import is_open, owner_of_picture, word_of
from .list import asked_of, waiting_for

#: Cases that are tried one after the other: others may be faster.
TRIES = 5


@page("reports/next/", name="case-next", act="reports.claim", methods=("POST",))
def take_next(request: HttpRequest) -> HttpResponse:
    """Claim the first case that nobody looks at, and show it."""
    return to_next(request)


@page("reports/<int:case_id>/claim/", name="case-claim", act="reports.claim", methods=("POST",), example={"case_id": 1})
def claim(request: HttpRequest, case_id: int) -> HttpResponse:
    """Claim a case that was found in the list."""
    _claim(request, known_case(case_id))
    return _to_case(case_id, asked_of(request))


@page(
    "reports/<int:case_id>/release/",
    name="case-release",
    act="reports.release",
    methods=("POST",),
    example={"case_id": 1},
)
def release(request: HttpRequest, case_id: int) -> HttpResponse:
    """Give a claimed case back to the queue."""
    _release(request, known_case(case_id))
    return _to_list(asked_of(request))


@page(
    "reports/<int:case_id>/move/", name="case-move", act="reports.claim", methods=("POST",), example={"case_id": 1}
)  # the keys j and k
def move(request: HttpRequest, case_id: int) -> HttpResponse:
    """Leave a case undecided and claim its neighbour in the queue; at the queue's end one keeps what one has."""
    here, asked = known_case(case_id), asked_of(request)
    forward = request.POST.get("to") != "previous"
    near = queue.neighbours(here, waiting_for(request, asked), moderator_id=me(request), forward=forward)
    other = _first_claimed(request, near[:TRIES])
    if other is None:
        messages.info(request, "The queue ends here.")
        return _to_case(case_id, asked)
    # Only now: who is left without a neighbour is not to lose their own case to somebody faster.
    _release(request, here)
    return _to_case(other.pk, asked)


def to_next(request: HttpRequest) -> HttpResponse:
    """Claim the first free case of what the queue is narrowed to, and lead to it."""
    asked = asked_of(request)
    found = _first_claimed(request, queue.free_for(me(request), waiting_for(request, asked))[:TRIES])
    if found is not None:
        return _to_case(found.pk, asked)
    messages.info(request, "Nothing of this kind waits for you." if asked else "Nothing waits for you.")
    return _to_list(asked)


def known_case(case_id: int) -> Case:
    """Return a case with who has it. Raises NotFound. Cost: one query on main."""
    found = Case.objects.select_related("claimed_by").filter(pk=case_id).first()
    if found is None:
        raise NotFound(what="case")
    return found


def me(request: HttpRequest) -> int:
    """Return the id of who asks."""
    return int(request.user.pk or 0)


def _first_claimed(request: HttpRequest, cases: Iterable[Case]) -> Case | None:
    for case in cases:
        try:
            _claim(request, case)
        except APIError:
            continue
        return case
    return None


def _claim(request: HttpRequest, case: Case) -> None:
    """Claim a case, and write down what private and removed pictures come into view with it."""
    actor = audit.actor_of(request)
    if gone.close_those_gone(case.kind, [case.target_id]):
        raise gone.GoneError
    # What shards know is read before: nobody waits for one inside main's transaction.
    private = _private(owner_of_picture(case), removed_in(likenesses_of(case, with_images=True)))
    with transaction.atomic():
        queue.claim(case.pk, moderator_id=me(request))
        _note(actor, "reports.claim", case, held=True)
        for target in private:
            audit.record(actor, "people.private_photos", target=target)


def note_seen(request: HttpRequest, case: Case, *, owner: User | None, removed: Iterable[int]) -> None:
    """Write down what private and removed pictures came into view since whoever has a case took it.

    The log has the others since then. owner: of the picture; removed: photos beside it. Cost: one query on main where
    there is any.
    """
    private = _private(owner, removed)
    if not private or case.claimed_until is None:
        return
    since = case.claimed_until - timedelta(seconds=settings.CLAIM_S)
    noted = Entry.objects.filter(actor_id=me(request), act="people.private_photos", at__gte=since)
    there = set(noted.values_list("target_kind", "target_id"))
    for target in private:
        if (target.kind, str(target.id)) not in there:
            audit.record(audit.actor_of(request), "people.private_photos", target=target)


def _private(owner: User | None, removed: Iterable[int]) -> list[audit.Target]:
    """Return what who has a case is shown and others are not: what a private account posted, and removed photos."""
    person = [] if owner is None or is_open(owner) else [audit.Target("person", owner.pk)]
    return [*person, *(audit.Target("photo", photo_id) for photo_id in removed)]


def _release(request: HttpRequest, case: Case) -> None:
    with transaction.atomic():
        if queue.release(case.pk, moderator_id=me(request)):
            _note(audit.actor_of(request), "reports.release", case, held=False)


def _note(actor: audit.Actor, act: str, case: Case, *, held: bool) -> None:
    target = audit.Target(word_of(case.kind), case.target_id)
    audit.record(actor, act, target=target, before={"held": not held}, after={"case": case.pk, "held": held})


def _to_case(case_id: int, asked: Mapping[str, Any]) -> HttpResponse:
    return _to(reverse("admin:case", args=[case_id]), asked)


def _to_list(asked: Mapping[str, Any]) -> HttpResponse:
    return _to(reverse("admin:cases"), asked)


def _to(address: str, asked: Mapping[str, Any]) -> HttpResponse:
    return HttpResponseRedirect(f"{address}?{urlencode(asked)}" if asked else address)
