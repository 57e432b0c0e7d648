"""Signing up, and proving who one is."""

import re
from functools import cache

from django.contrib.auth.hashers import check_password as matches
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.reserved import RESERVED
from instagram.errors import InvalidParameters

PASSWORD_MIN_CHARS = 6
#: Longer ones would only cost the hash time.
PASSWORD_MAX_CHARS = 1_000
_USERNAME = re.compile(r"[a-z0-9._]{1,30}")


def sign_up(*, username: str, password: str, email: str, full_name: str = "", phone: str = "", bio: str = "") -> User:
    """Make an account. Raises InvalidParameters with `errors` per field."""
    username, email = username.strip().lower(), email.strip().lower()
    errors = {
        "username": username_faults(username),
        "password": _password_faults(password),
        "email": _email_faults(email),
        "full_name": ["at most 60 characters"] if len(full_name) > 60 else [],
        "phone": ["at most 30 characters"] if len(phone) > 30 else [],
        "bio": ["at most 150 characters"] if len(bio) > 150 else [],
    }
    _refuse(errors)
    try:
        with transaction.atomic():
            user = User(username=username, email=email, full_name=full_name.strip(), phone=phone.strip(), bio=bio)
            user.password = make_password(password)
            user.save()
    except IntegrityError as error:
        # Somebody was quicker than our look a moment ago.
        _refuse({"username" if "username" in str(error) else "email": ["already taken"]})
        raise
    return user


def username_faults(username: str) -> list[str]:
    """Return what stands against a user name; empty when it can be had."""
    if not _USERNAME.fullmatch(username):
        return ["1 to 30 letters a-z, digits, dots and underscores"]
    if username in RESERVED:
        return ["this name is reserved"]
    return ["already taken"] if User.objects.filter(username=username).exists() else []


def check_password(username: str, password: str) -> User | None:
    """Return the person if the password is theirs. Takes as long for an unknown name as for a wrong password."""
    user = User.objects.filter(username=username.strip().lower()).first()
    right = matches(password[:PASSWORD_MAX_CHARS], user.password if user else _nobody())
    return user if user and right and user.is_active else None


@cache
def _nobody() -> str:
    return make_password("nobody's")


def _password_faults(password: str) -> list[str]:
    if not PASSWORD_MIN_CHARS <= len(password) <= PASSWORD_MAX_CHARS:
        return [f"{PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters"]
    return []


def _email_faults(email: str) -> list[str]:
    try:
        validate_email(email)
    except ValidationError:
        return ["not an e-mail address"]
    return ["already taken"] if User.objects.filter(email=email).exists() else []


def _refuse(errors: dict[str, list[str]]) -> None:
    found = {name: faults for name, faults in errors.items() if faults}
    if found:
        name, faults = next(iter(found.items()))
        raise InvalidParameters(f"{name}: {faults[0]}", errors=found)
