"""Mail to people, each a text and an HTML template of accounts/templates/accounts/mail/. For tasks alone: it waits.

A mail server that is away postpones the job, so no mail is lost; a worker that dies between the server's yes and the
note of it sends a second one. What the server refuses for good is logged and dropped.
"""

import logging
import smtplib
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.address_books import email_hash
from accounts.models import User
from caching import counters
from jobs import NotNow

log = logging.getLogger(__name__)

SUBJECTS = {
    "password_reset": "Set a new password",
    "confirm_email": "Is this your address?",
    "new_login": "A new login to your account",
    "email_changed": "Your address was changed",
    "warning": "We removed something you posted",
}


def send(
    kind: str, user: User, facts: dict[str, Any], *, earlier_address: str = "", none_is_lost: bool = False
) -> bool:
    """Mail a person, MAILS_PER_HOUR times of each kind at most; return whether the mail server took it.

    facts: what the templates show beside `user`. earlier_address: goes there, and is counted by that address.
    none_is_lost: what is too much for this hour waits for the next.
    Raises NotNow when the mail server is away, and for what waits.
    """
    counter = f"mail:{kind}:{user.pk}" + (f":{email_hash(earlier_address)}" if earlier_address else "")
    if counters.read(counter) >= settings.MAILS_PER_HOUR:
        if none_is_lost:
            raise NotNow(f"enough {kind} mails for this hour")
        log.info("no %s mail to %s: enough of them for this hour", kind, user.pk)
        return False
    context = facts | {"user": user, "home": settings.WEB_BASE_URL, "subject": SUBJECTS[kind]}
    text = render_to_string(f"accounts/mail/{kind}.txt", context)
    html = render_to_string(f"accounts/mail/{kind}.html", context)
    mail = EmailMultiAlternatives(
        SUBJECTS[kind], text, None, [earlier_address or user.email], headers={"Auto-Submitted": "auto-generated"}
    )
    mail.attach_alternative(html, "text/html")
    try:
        mail.send()
    except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
        if _is_passing(error):
            raise NotNow("the mail server asks to come again") from error
        log.warning("the mail server refuses a %s mail to %s for good", kind, user.pk, exc_info=error)
        return False
    except (OSError, smtplib.SMTPException) as error:
        raise NotNow("the mail server is away") from error
    counters.increment(counter, ttl_s=3_600)
    return True


def link(path: str, token: str) -> str:
    """Return the address of a page of ours with a token."""
    return f"{settings.WEB_BASE_URL}{path}?token={token}"


def _is_passing(error: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused) -> bool:
    """Return whether the server said "later" (4xx), not "never" (5xx); our own wrong password is to be mended."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return True
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code < 500 for code, _ in error.recipients.values())
    return error.smtp_code < 500
