"""Devices: registering, moving, signing out, and what Apple says is gone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import AccessToken, User
from instagram.errors import InvalidParameters, InvalidToken

from .models import Device, Environment

#: Apple's tokens are 32 bytes and may grow; 100 bytes is what it says to allow for.
_TOKEN = re.compile(r"(?:[0-9a-f]{2}){32,100}")


@dataclass(frozen=True, slots=True)
class Phone:
    """A device as a push needs it."""

    id: int
    user_id: int
    token: str
    sandbox: bool
    registered_at: datetime


def device_token(text: str) -> str:
    """Return a device token as it is kept. Raises InvalidParameters."""
    token = text.strip().strip("<>").replace(" ", "").lower()  # as iOS printed them for years
    if not _TOKEN.fullmatch(token):
        raise InvalidParameters("token: not a device token (64 to 200 hex digits)")
    return token


def register(
    *,
    user_id: int,
    token: str,
    environment: str = Environment.PRODUCTION,
    app_version: str = "",
    locale: str = "",
    access_token_id: int | None = None,
) -> Device:
    """Let a device ring for a person, and for nobody else from now on. Harmless to repeat.

    Beyond DEVICES_PER_PERSON the one that was registered longest ago goes.
    access_token_id: what it ends with. Raises InvalidToken if that ended this moment.
    """
    facts = {
        "user_id": user_id,
        "environment": environment,
        "app_version": app_version,
        "locale": locale,
        "access_token_id": access_token_id,
        "registered_at": timezone.now(),
    }
    with transaction.atomic():
        # One after the other for one person, so that their limit holds; two people at one token meet in its row.
        User.objects.select_for_update().get(pk=user_id)
        if access_token_id is not None:
            # Signing out locks it, too: either the token is worthless here, or the device is there to be let go.
            token_row = AccessToken.objects.select_for_update().filter(pk=access_token_id, is_active=True).first()
            if token_row is None:
                raise InvalidToken
        device = _moved(token, facts) or _made(token, facts)
        kept = Device.objects.filter(user=user_id).order_by("-registered_at", "-pk")[: settings.DEVICES_PER_PERSON]
        Device.objects.filter(user=user_id).exclude(pk__in=[each.pk for each in kept]).delete()
    return device


def _moved(token: str, facts: dict[str, Any]) -> Device | None:
    if not Device.objects.filter(token=token).update(**facts):
        return None
    return Device.objects.get(token=token)


def _made(token: str, facts: dict[str, Any]) -> Device:
    try:
        with transaction.atomic():
            return Device.objects.create(token=token, **facts)
    except IntegrityError:  # somebody else registered it a moment ago: now it is this person's
        Device.objects.filter(token=token).update(**facts)
        return Device.objects.get(token=token)


def unregister(*, user_id: int, token: str) -> None:
    """Let a device of this person ring no more. Harmless to repeat, and with somebody else's device."""
    Device.objects.filter(user=user_id, token=token).delete()


def end_with_tokens(token_ids: Iterable[int]) -> None:
    """Let the devices go that these access tokens registered: their people signed out."""
    Device.objects.filter(access_token__in=list(token_ids)).delete()


def gone(phone: Phone, since: datetime | None) -> None:
    """Remove a device that Apple does not know (any more); not if it was registered again meanwhile.

    since: when the token ceased to be one, as far as Apple says.
    """
    # Without a word on when, it is the registration that was read which is meant.
    stale = Q(registered_at__lte=since) if since is not None else Q(registered_at=phone.registered_at)
    Device.objects.filter(stale, pk=phone.id).delete()


def moment_of(timestamp_ms: int | None) -> datetime | None:
    """Return the moment of Apple's timestamp, None for none or nonsense."""
    if timestamp_ms is None:
        return None
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=timestamp_ms)
    except (OverflowError, TypeError):
        return None
