"""Signing up, and proving who one is."""

import re
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.contrib.auth.hashers import check_password as matches
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import EmailChange, User
from accounts.reserved import RESERVED, is_bot
from accounts.services.confirmation import request_confirmation
from accounts.services.presence import reactivate
from accounts.services.suspension import end_if_due
from instagram.counting import count
from instagram.errors import InvalidParameters, NotFound
from jobs import enqueue
from switches.guards import refuse_sign_up

PASSWORD_MIN_CHARS = 6
#: Longer ones would only cost the hash time.
PASSWORD_MAX_CHARS = 1_000
#: As wide as the column.
EMAIL_MAX_CHARS = 254
_USERNAME = re.compile(r"[a-z0-9._]{1,30}")


def sign_up(
    *,
    username: str,
    password: str,
    email: str,
    full_name: str = "",
    phone: str = "",
    bio: str = "",
    email_confirmed: bool = False,
) -> User:
    """Make an account; a link to confirm the address is mailed, unless it is known to be theirs.

    Who looked for them before is told. Raises InvalidParameters with `errors` per field, SwitchedOff while closed.
    """
    refuse_sign_up()
    username, email = username.strip().lower(), email.strip().lower()
    errors = {
        "username": username_faults(username),
        "password": password_faults(password),
        "email": email_faults(email),
        "full_name": ["at most 60 characters"] if len(full_name) > 60 else [],
        "phone": ["at most 30 characters"] if len(phone) > 30 else [],
        "bio": ["at most 150 characters"] if len(bio) > 150 else [],
    }
    refuse(errors)
    try:
        with transaction.atomic():
            user = User(username=username, email=email, full_name=full_name.strip(), phone=phone.strip(), bio=bio)
            user.password = make_password(password)
            user.email_confirmed_at = timezone.now() if email_confirmed else None
            user.save()
            enqueue("notifications.note_joined", user_id=user.pk)
            if not email_confirmed:
                request_confirmation(user.pk)
    except IntegrityError as error:
        refuse_taken(error)
        raise
    count("sign_ups")
    return user


def username_faults(username: str) -> list[str]:
    """Return what stands against a user name; empty when it can be had."""
    if not _USERNAME.fullmatch(username):
        return ["1 to 30 letters a-z, digits, dots and underscores"]
    if username in RESERVED or is_bot(username):
        return ["this name is reserved"]
    return ["already taken"] if User.objects.filter(username=username).exists() else []


def check_password(username: str, password: str) -> User | None:
    """Return the person if the password is theirs. Takes as long for an unknown name as for a wrong password.

    Raises Suspended to who knows the password of a suspended account. None, too, once its deletion has begun.
    """
    user = User.objects.filter(username=username.strip().lower()).first()
    right = matches(password[: PASSWORD_MAX_CHARS + 1], user.password if user else _nobody())
    if user is None or not right:
        return None
    return user if user.is_active or end_if_due(user) else None


def sign_in(username: str, password: str) -> User | None:
    """Check the password; somebody who had deactivated their account is back, and not deleted.

    None: wrong, or the deletion of the account has begun. Raises Suspended.
    """
    user = check_password(username, password)
    if user is None or user.deactivated_at is None:
        return user
    try:
        return reactivate(user.pk)
    except NotFound:
        return None


@cache
def _nobody() -> str:
    return make_password("nobody's")


def password_faults(password: str) -> list[str]:
    """Return what stands against a password."""
    if not PASSWORD_MIN_CHARS <= len(password) <= PASSWORD_MAX_CHARS:
        return [f"{PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters"]
    return []


def email_faults(email: str, *, of: int | None = None) -> list[str]:
    """Return what stands against an e-mail address, in lower case; `of`: the person who may have it already."""
    try:
        validate_email(email)
    except ValidationError:
        return ["not an e-mail address"]
    if len(email) > EMAIL_MAX_CHARS:
        return [f"at most {EMAIL_MAX_CHARS} characters"]
    holders = [*User.objects.filter(email=email).values_list("pk", flat=True), *_may_have_back(email)]
    return ["already taken"] if any(holder != of for holder in holders) else []


def _may_have_back(email: str) -> list[int]:
    """Return whose address it was until lately: nobody else gets it while they may take it back (addresses.py)."""
    since = timezone.now() - timedelta(days=settings.EMAIL_TAKE_BACK_DAYS)
    lately = EmailChange.objects.filter(email=email, was_confirmed=True, changed_at__gt=since)
    return list(lately.values_list("user_id", flat=True))


def refuse_taken(error: IntegrityError) -> None:
    """Tell which name or address somebody else got a moment after we looked; other errors are left to the caller."""
    diagnostics = getattr(error.__cause__, "diag", None)
    constraint = (diagnostics and diagnostics.constraint_name) or ""
    for field in ("username", "email"):
        if constraint.startswith(f"accounts_user_{field}_"):
            refuse({field: ["already taken"]})


def refuse(errors: dict[str, list[str]]) -> None:
    """Raise InvalidParameters if there is any; the message names the first."""
    found = {name: faults for name, faults in errors.items() if faults}
    if found:
        name, faults = next(iter(found.items()))
        raise InvalidParameters(f"{name}: {faults[0]}", errors=found)
