"""Another e-mail address: the earlier one is told, and may take the account back for EMAIL_TAKE_BACK_DAYS.

A token of access is enough to change the address, and who has the address sets the password. So the way back hangs on
neither: its link names the change alone. Only for an address that was confirmed, since one that somebody mistyped when
they signed up is a stranger's.
"""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import mail, tokens
from accounts.models import EmailChange, User
from accounts.services.sign_up import password_faults, refuse, refuse_taken
from instagram.errors import InvalidParameters
from jobs import enqueue

#: Where the page is; the token goes with it as ?token=.
TAKE_BACK_PATH = "/accounts/take_back/"
_SALT = "accounts.take_back"
#: Old rows deleted in one go.
SWEEP_BATCH = 5_000


def note_change(user_id: int, email: str, *, was_confirmed: bool) -> None:
    """Note an address that a person has no more, and have it told; in the open transaction on main."""
    change = EmailChange.objects.create(user_id=user_id, email=email, was_confirmed=was_confirmed)
    enqueue("accounts.mail_email_changed", change_id=change.pk)


def mail_email_changed(change_id: int) -> None:
    """Tell an earlier address, with the way back if it was confirmed. Raises NotNow."""
    change = EmailChange.objects.filter(pk=change_id, user__is_active=True).select_related("user").first()
    if change is not None:
        facts = {"earlier": change.email, "moment": change.changed_at, "days": settings.EMAIL_TAKE_BACK_DAYS}
        if change.was_confirmed:
            facts["url"] = mail.link(TAKE_BACK_PATH, signing.dumps(change.pk, salt=_SALT))
        mail.send("email_changed", change.user, facts, earlier_address=change.email)


def change_of(token: str) -> EmailChange:
    """Return the change that a link takes back. Raises InvalidParameters: forged, used or too old."""
    try:
        change_id = signing.loads(token, salt=_SALT)
    except signing.BadSignature as error:
        raise _refused() from error
    since = timezone.now() - timedelta(days=settings.EMAIL_TAKE_BACK_DAYS)
    lately = EmailChange.objects.filter(was_confirmed=True, changed_at__gt=since, user__is_active=True)
    change = lately.filter(pk=change_id).select_related("user").first()
    if change is None:
        raise _refused()
    return change


def take_back(token: str, new_password: str) -> User:
    """Make a mailed link's address the person's again and set their password; once. Everybody is signed out.

    Links of later changes are worthless from then on: those addresses were not theirs. Raises InvalidParameters.
    """
    refuse({"new_password": password_faults(new_password)})
    user_id = change_of(token).user_id
    # Before the transaction: hashing is slow on purpose.
    hashed = make_password(new_password)
    try:
        with transaction.atomic():
            user = User.objects.select_for_update().get(pk=user_id)
            # Again, under the lock: of two that come with one token the second finds the change gone.
            change = change_of(token)
            user.email, user.email_confirmed_at, user.password = change.email, timezone.now(), hashed
            user.save(update_fields=["email", "email_confirmed_at", "password"])
            EmailChange.objects.filter(user=user_id, pk__gte=change.pk).delete()
            tokens.revoke_all(user_id)
    except IntegrityError as error:
        refuse_taken(error)
        raise
    return user


def sweep() -> None:
    """Forget addresses that cannot take anything back any more. Safe to repeat."""
    old = EmailChange.objects.filter(changed_at__lt=timezone.now() - timedelta(days=settings.EMAIL_TAKE_BACK_DAYS))
    EmailChange.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:SWEEP_BATCH])).delete()


def _refused() -> InvalidParameters:
    return InvalidParameters("token: this link was used or is too old", errors={"token": ["used or too old"]})
