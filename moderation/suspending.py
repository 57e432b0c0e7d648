"""A suspension that moderators decided: begun and taken back with the decision, in its own transaction on main.

It is not brought about later, as other effects are: what staff or its time had ended by then would come back.
"""

import contextlib
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.services import suspension
from instagram.errors import InvalidParameters, NotFound

from .models import Decision

#: An earlier suspension that lasts no longer is not begun again.
ABOUT_TO_END = timedelta(seconds=5)


def facts_of(user_id: int) -> dict[str, Any] | None:
    """Return a person's suspension as a decision keeps it: {"until", "told", "decision"}; None if there is none."""
    row = suspension.suspension_of(user_id)
    if row is None:
        return None
    return {"until": row.until.isoformat() if row.until else None, "told": row.told, "decision": row.decision_id}


def begin(decision: Decision) -> None:
    """Shut the owner out as was decided; a suspension they have already is kept in decision.before."""
    earlier = _locked(decision.about_user_id)
    decision.before["suspension"] = earlier
    decision.save(update_fields=["before"])
    with contextlib.suppress(NotFound, InvalidParameters):  # being deleted: they are shut out for good
        suspension.suspend(
            decision.about_user_id,
            until=decision.suspend_until,
            told=decision.told or (earlier["told"] if earlier else ""),
            decision_id=decision.pk,
        )


def take_back(decision: Decision) -> None:
    """End what begin() began, or let the earlier suspension go on; nothing if staff or time ended or replaced it."""
    now = _locked(decision.about_user_id)
    if now is None or now["decision"] != decision.pk:
        return
    earlier = _still_due(decision.before.get("suspension"))
    with contextlib.suppress(NotFound, InvalidParameters):
        if earlier is None:
            suspension.unsuspend(decision.about_user_id)
        else:
            suspension.suspend(
                decision.about_user_id,
                until=_until(earlier),
                told=earlier["told"],
                decision_id=earlier["decision"],
            )


def _locked(user_id: int) -> dict[str, Any] | None:
    """Return facts_of() somebody whose suspension nobody else changes until the transaction ends."""
    User.objects.select_for_update().filter(pk=user_id).first()
    return facts_of(user_id)


def _still_due(earlier: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the latest suspension that would last if none had come after it: of an undone decision the one before."""
    while earlier is not None:
        until = _until(earlier)
        if until is not None and until <= timezone.now() + ABOUT_TO_END:
            return None
        made_for = Decision.objects.filter(pk=earlier["decision"]).first()
        if made_for is None or made_for.undone_at is None:
            return earlier
        earlier = made_for.before.get("suspension")
    return None


def _until(facts: dict[str, Any]) -> datetime | None:
    return datetime.fromisoformat(facts["until"]) if facts["until"] else None
