"""Suspending: staff shuts a person out, until a day or until further notice. Hides what a deactivation hides."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import tokens
from accounts.models import Deletion, Suspension, User
from accounts.services import presence
from instagram.errors import InvalidParameters, NotFound, Suspended

#: Ended in one look.
MOST_AT_ONCE = 100


def suspend(
    user_id: int, *, until: datetime | None = None, told: str = "", decision_id: int | None = None
) -> Suspension:
    """Shut a person out: hidden, tokens refused, sessions over, signing in answered with `told`. Repeating changes it.

    Who follows whom, the photos and all numbers stay, so that unsuspend() takes it back entirely. decision_id: the
    moderators' decision it is made for.
    Raises NotFound for nobody, InvalidParameters for a day that is past or an account being deleted.
    """
    if until is not None and until <= timezone.now():
        raise InvalidParameters("until: a day to come")
    with transaction.atomic():
        user = _locked(user_id)
        facts = {"until": until, "told": told.strip()[:300], "decision_id": decision_id}
        row, _ = Suspension.objects.update_or_create(user=user, defaults=facts)
        user.is_active = False
        user.save(update_fields=["is_active"])
        presence.changed(user_id)
    return row


def unsuspend(user_id: int) -> User:
    """Take a suspension back. Harmless to repeat. Raises NotFound, InvalidParameters as suspend()."""
    with transaction.atomic():
        user = _locked(user_id)
        Suspension.objects.filter(user=user).delete()
        user.is_active = True
        user.save(update_fields=["is_active"])
        presence.changed(user_id)
    return user


def suspension_of(user_id: int) -> Suspension | None:
    """Return a person's suspension. Cost: one query on main."""
    return Suspension.objects.filter(pk=user_id).first()


def end_if_due(user: User) -> bool:
    """Return whether somebody who is not active may come in now, because the suspension's time is just over.

    Raises Suspended while it lasts; False if it is something else: the account is being deleted.
    """
    row = suspension_of(user.pk)
    if row is None or is_going(user.pk):
        return False
    if row.until is None or row.until > timezone.now():
        raise Suspended(until=f"until {row.until:%-d %B %Y, %H:%M} UTC" if row.until else "", told=row.told)
    user.is_active = unsuspend(user.pk).is_active
    return True


def end_due() -> None:
    """End the suspensions whose time is over. Safe to repeat, and from several relays at once."""
    due = Suspension.objects.filter(until__lte=timezone.now()).order_by("until").values_list("pk", flat=True)
    for user_id in due[:MOST_AT_ONCE]:
        with transaction.atomic():
            # The person first, as suspend() does: whoever prolongs it meanwhile is waited for, and seen.
            User.objects.select_for_update().filter(pk=user_id).first()
            row = Suspension.objects.filter(pk=user_id, until__lte=timezone.now()).first()
            if row is None:
                continue
            if is_going(user_id):
                row.delete()
            else:
                unsuspend(user_id)


def sign_out_everywhere(user_id: int) -> None:
    """End every session of a person's browsers and make all their tokens worthless, their phones' among them."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=user_id).first()
        if user is None:
            raise NotFound(what="user")
        user.session_generation += 1
        user.save(update_fields=["session_generation"])
        tokens.revoke_all(user_id)


def _locked(user_id: int) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound(what="user")
    if is_going(user_id):
        raise InvalidParameters("this account is being deleted")
    return user


def is_going(user_id: int) -> bool:
    """Return whether a person's deletion has begun. Cost: one query on main."""
    return Deletion.objects.filter(user_id=user_id).exclude(started_at=None).exists()
