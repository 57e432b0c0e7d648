"""Address books: who of one's contacts is here, and remembering who is not, to tell when they join.

Contacts come as they are or as SHA-256 of their normalised form: an address trimmed and in lower case, a number's
digits alone. Hashes hide little: numbers are few enough to try all. docs/accounts.md says what that means.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import LookedUp, User, phone_digits, sha256_of
from caching import counters
from instagram.errors import RateLimited

#: Contacts of one kind in one look-up.
LOOKUP_MAX = 500
#: Fewer digits are no number: "1" would find everybody who wrote just that.
PHONE_MIN_DIGITS = 5
#: People told that one person joined.
TOLD_MAX = 500
#: Old rows deleted in one go.
FORGET_BATCH = 5_000
_HASH = re.compile(r"[0-9a-f]{64}")


def email_hash(email: str) -> str:
    """Return the hash of an address, 64 hex digits."""
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()


def phone_hash(phone: str) -> str | None:
    """Return the hash of a number, written in whatever way; None if it is none."""
    digits = _digits(phone)
    return hashlib.sha256(digits.encode()).hexdigest() if digits else None


def look_up(
    viewer_id: int,
    *,
    emails: Sequence[str] = (),
    phones: Sequence[str] = (),
    email_hashes: Sequence[str] = (),
    phone_hashes: Sequence[str] = (),
) -> list[int]:
    """Return whose contacts these are; those who are not here are remembered, LOOKUP_REMEMBERED of a viewer at most.

    Hashes that are none are passed over. Raises RateLimited after LOOKUPS_PER_HOUR. Cost: one look-up in memcached, two
    queries on main at most, by index, and two to remember.
    """
    made = counters.increment(f"lookups:{viewer_id}", ttl_s=3_600)
    if made > settings.LOOKUPS_PER_HOUR:
        raise RateLimited(made=made, limit=settings.LOOKUPS_PER_HOUR)
    by_email = {email_hash(email) for email in emails if email.strip()} | _hashes(email_hashes)
    by_phone = {found for phone in phones if (found := phone_hash(phone))} | _hashes(phone_hashes)
    people = User.objects.order_by("pk")
    found_emails = people.annotate(hash=sha256_of("email")).filter(hash__in=_bytes(by_email))
    found_phones = people.exclude(phone="").annotate(hash=sha256_of(phone_digits())).filter(hash__in=_bytes(by_phone))
    emails_here = list(found_emails.values_list("pk", "hash")) if by_email else []
    phones_here = list(found_phones.values_list("pk", "hash")[: 2 * LOOKUP_MAX]) if by_phone else []
    known = {bytes(each).hex() for _, each in (*emails_here, *phones_here)}
    _remember(viewer_id, sorted((by_email | by_phone) - known))
    return list(dict.fromkeys(user_id for user_id, _ in (*emails_here, *phones_here)))


def who_looked_up(user_id: int) -> list[int]:
    """Return who looked for a person before they were here, latest first, TOLD_MAX at most. Two queries on main."""
    rows = LookedUp.objects.filter(code__in=_codes_of(user_id)).order_by("-looked_up_at")
    return list(dict.fromkeys(rows.values_list("user_id", flat=True)[:TOLD_MAX]))


def forget_looked_up(user_id: int) -> None:
    """Forget who looked for a person: they were told."""
    LookedUp.objects.filter(code__in=_codes_of(user_id)).delete()


def sweep() -> None:
    """Forget what was looked up LOOKUP_REMEMBERED_DAYS ago. Safe to repeat."""
    before = timezone.now() - timedelta(days=settings.LOOKUP_REMEMBERED_DAYS)
    old = LookedUp.objects.filter(looked_up_at__lt=before).values_list("pk", flat=True)
    LookedUp.objects.filter(pk__in=list(old[:FORGET_BATCH])).delete()


def _remember(viewer_id: int, hashes: Sequence[str]) -> None:
    if not hashes:
        return
    room = settings.LOOKUP_REMEMBERED - LookedUp.objects.filter(user=viewer_id).count()
    rows = [LookedUp(user_id=viewer_id, code=_code(each)) for each in hashes[: max(0, room)]]
    LookedUp.objects.bulk_create(rows, ignore_conflicts=True)


def _codes_of(user_id: int) -> list[bytes]:
    user = User.objects.filter(pk=user_id).only("email", "phone").first()
    if user is None:
        return []
    return [_code(each) for each in (email_hash(user.email), phone_hash(user.phone)) if each]


def _code(digest: str) -> bytes:
    return salted_hmac("accounts.looked_up", digest, algorithm="sha256").digest()[:16]


def _digits(phone: str) -> str:
    digits = re.sub(r"[^0-9]", "", phone)
    return digits if len(digits) >= PHONE_MIN_DIGITS else ""


def _hashes(given: Iterable[str]) -> set[str]:
    return {each.strip().lower() for each in given if _HASH.fullmatch(each.strip().lower())}


def _bytes(hashes: Iterable[str]) -> list[bytes]:
    return [bytes.fromhex(each) for each in hashes]
