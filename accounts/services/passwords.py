"""Changing one's password, and setting a new one by mail when it is forgotten."""

import re

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import check_password as matches
from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction

from accounts import mail, tokens
from accounts.models import User
from accounts.services.sign_up import PASSWORD_MAX_CHARS, password_faults, refuse
from caching import counters
from instagram.errors import InvalidParameters, RateLimited
from jobs import enqueue

#: Where the pages to set a new password are; the second signs out everywhere as well ("this was not me").
RESET_PATH, SECURE_PATH = "/accounts/password_reset/confirm/", "/accounts/secure/"
_TOKEN = re.compile(r"([0-9]{1,18})-([0-9a-z]+-[0-9a-f]+)")


class _ResetTokens(PasswordResetTokenGenerator):
    """Signed with SECRET_KEY over password hash, e-mail and time: a new password makes all earlier ones worthless."""

    key_salt = "accounts.password_reset"

    def _make_hash_value(self, user: AbstractBaseUser, timestamp: int) -> str:
        """Sign these facts. Not the last login, as Django does: another's login must not end "this was not me"."""
        return f"{user.pk}{user.password}{timestamp}{getattr(user, user.get_email_field_name())}"


_reset_tokens = _ResetTokens()


def require_password(user_id: int, password: str, *, field: str = "password") -> None:
    """Raise InvalidParameters, naming the field, unless the password is the person's."""
    user = User.objects.filter(pk=user_id).first()
    if user is None or not matches(password[: PASSWORD_MAX_CHARS + 1], user.password):
        refuse({field: ["wrong password"]})


def change_password(user_id: int, *, old: str, new: str, kept_token_id: int | None = None) -> None:
    """Set a new password; tokens of our own applications are revoked, but for the one kept.

    Raises InvalidParameters for a wrong old one or an unusable new one.
    """
    require_password(user_id, old, field="old_password")
    refuse({"new_password": password_faults(new)})
    # Before the transaction: hashing is slow on purpose.
    hashed = make_password(new)
    with transaction.atomic():
        _set(User.objects.select_for_update().get(pk=user_id), hashed, kept_token_id)


def request_reset(*, email: str = "", username: str = "", address: str = "") -> None:
    """Have a link to set a new password mailed, if there is such an account. The address need not be confirmed.

    The same work whether or not there is: one query and one job; the worker finds out and writes the mail.
    address: the network address this comes from. Raises RateLimited after RESETS_PER_ADDRESS of them in an hour.
    """
    if email.strip():
        people = User.objects.filter(email=email.strip().lower())
    elif username.strip():
        people = User.objects.filter(username=username.strip().lower())
    else:
        raise InvalidParameters("email: email or username is required")
    made = counters.increment(f"resets:{address.encode().hex()[:80]}", ttl_s=3_600)
    if made > settings.RESETS_PER_ADDRESS:
        raise RateLimited(made=made, limit=settings.RESETS_PER_ADDRESS)
    enqueue("accounts.mail_password_reset", user_id=people.values_list("pk", flat=True).first() or 0)


def send_reset(user_id: int) -> None:
    """Have the same link mailed to somebody by staff, whatever address asks; MAILS_PER_HOUR holds."""
    enqueue("accounts.mail_password_reset", user_id=user_id)


def mail_reset(user_id: int) -> None:
    """Mail the link; to nobody if the account is not there or suspended. Raises NotNow."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is not None:
        hours = settings.PASSWORD_RESET_TIMEOUT // 3_600
        mail.send("password_reset", user, {"url": reset_link(user), "hours": hours})


def reset_link(user: User, *, everywhere: bool = False) -> str:
    """Return the link to set a new password; everywhere: and to sign out wherever somebody is signed in."""
    return mail.link(SECURE_PATH if everywhere else RESET_PATH, reset_token(user))


def reset_token(user: User) -> str:
    """Return the token of a reset link."""
    return f"{user.pk}-{_reset_tokens.make_token(user)}"


def reset_password(token: str, new: str, *, everywhere: bool = False) -> User:
    """Set a new password with a mailed token, once; all tokens of our own applications are revoked.

    Sessions of browsers end by themselves: they hang on the password. everywhere: other applications are shut out too.
    Raises InvalidParameters for a token that is forged, used or older than PASSWORD_RESET_TIMEOUT.
    """
    refuse({"new_password": password_faults(new)})
    _owner(token, locked=False)
    hashed = make_password(new)
    with transaction.atomic():
        # Again, under the lock: of two that come with one token the second finds the password changed.
        user = _owner(token, locked=True)
        _set(user, hashed, None)
        if everywhere:
            tokens.revoke_all(user.pk)
    return user


def token_owner(token: str) -> User:
    """Return whose password a token can set. Raises InvalidParameters."""
    return _owner(token, locked=False)


def _owner(token: str, *, locked: bool) -> User:
    found = _TOKEN.fullmatch(token.strip())
    people = User.objects.select_for_update() if locked else User.objects.all()
    user = people.filter(pk=int(found[1]), is_active=True).first() if found else None
    if found is None or user is None or not _reset_tokens.check_token(user, found[2]):
        raise InvalidParameters("token: this link was used or is too old", errors={"token": ["used or too old"]})
    return user


def _set(user: User, hashed: str, kept_token_id: int | None) -> None:
    user.password = hashed
    user.save(update_fields=["password"])
    tokens.revoke_first_party(user.pk, but=kept_token_id)
