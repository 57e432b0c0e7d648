"""Confirming an e-mail address: a mailed link brings it back. It forbids nobody anything; staff sees it."""

from typing import Any

from django.conf import settings
from django.core import signing
from django.utils import timezone

from accounts import mail
from accounts.models import User
from instagram.errors import InvalidParameters
from jobs import enqueue

#: Where the page is; the token goes with it as ?token=.
CONFIRM_PATH = "/accounts/confirm_email/"
_SALT = "accounts.confirm_email"


def request_confirmation(user_id: int) -> None:
    """Have the link mailed, in the open transaction on main; nothing is sent for an address that is confirmed."""
    enqueue("accounts.mail_confirmation", user_id=user_id)


def mail_confirmation(user_id: int) -> None:
    """Mail the link to the address of now, unless it is confirmed. Raises NotNow."""
    user = User.objects.filter(pk=user_id, is_active=True, email_confirmed_at=None).first()
    if user is not None:
        days = settings.EMAIL_CONFIRM_TIMEOUT_S // 86_400
        url = mail.link(CONFIRM_PATH, confirmation_token(user))
        mail.send("confirm_email", user, {"url": url, "days": days})


def confirmation_token(user: User) -> str:
    """Return the token of a link: whose it is and which address."""
    return signing.dumps([user.pk, user.email], salt=_SALT)


def confirm_email(token: str) -> User:
    """Note that an address is its person's; harmless to repeat.

    Raises InvalidParameters for a token that is forged, older than EMAIL_CONFIRM_TIMEOUT_S, or of an earlier address.
    """
    user_id, email = _read(token)
    theirs = User.objects.filter(pk=user_id, email=email, is_active=True)
    theirs.filter(email_confirmed_at=None).update(email_confirmed_at=timezone.now())
    user = theirs.first()
    if user is None:
        raise _refused()
    return user


def _read(token: str) -> list[Any]:
    try:
        facts: list[Any] = signing.loads(token, salt=_SALT, max_age=settings.EMAIL_CONFIRM_TIMEOUT_S)
    except signing.BadSignature as error:
        raise _refused() from error
    return facts


def _refused() -> InvalidParameters:
    return InvalidParameters("token: this link is too old, or of another address", errors={"token": ["too old"]})
