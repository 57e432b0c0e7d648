"""Making and ending subscriptions."""

import functools
import secrets
import threading
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from instagram.errors import Unavailable
from jobs import enqueue

from .. import callbacks
from ..errors import SubscriptionError
from ..models import Callback, Geography, Kind, Subscription


@functools.cache
def _verifying() -> threading.BoundedSemaphore:
    """Return what bounds the calls that wait for a callback: one thread of a process is left to everybody else."""
    return threading.BoundedSemaphore(max(1, settings.GUNICORN_THREADS - 1))


@dataclass(frozen=True, slots=True)
class Circle:
    """Degrees and metres."""

    latitude: float
    longitude: float
    radius: float

    def __str__(self) -> str:
        return f"{self.latitude!r},{self.longitude!r},{self.radius!r}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants to subscribe to: of tag, location and circle the one that `object` names, of user none."""

    object: Kind
    target: str = ""
    circle: Circle | None = None


def subscribe(*, client_pk: int, wish: Wish, callback_url: str, verify_token: str = "") -> Subscription:
    """Verify the callback and store the subscription; an identical one is verified again and returned as it is.

    verify_token: passed on to the callback, kept nowhere.
    Raises InvalidParameters, SubscriptionError (nothing is stored then), Unavailable when too many are at it.
    Cost: one request to the callback, in no transaction; then a transaction on main.
    """
    verify(callback_url, verify_token)
    with transaction.atomic():
        callback, _ = Callback.objects.select_for_update().get_or_create(client_id=client_pk, url=callback_url)
        target = wish.target if wish.circle is None else str(wish.circle)
        asked = {"client_id": client_pk, "object": wish.object, "target": target, "callback": callback}
        existing = Subscription.objects.filter(**asked).first()
        if existing is not None:
            return existing
        if Subscription.objects.filter(client=client_pk).count() >= settings.SUBSCRIPTIONS_PER_CLIENT:
            # Raised inside: a callback that was made above goes with the transaction.
            raise SubscriptionError(f"A client has at most {settings.SUBSCRIPTIONS_PER_CLIENT} subscriptions.")
        geography = None
        if wish.circle is not None:
            geography = Geography.objects.create(
                client_id=client_pk,
                latitude=wish.circle.latitude,
                longitude=wish.circle.longitude,
                radius=wish.circle.radius,
            )
            enqueue("notifications.fill_geography", geography_id=geography.pk)
        return Subscription.objects.create(**asked, geography=geography)


def unsubscribe(
    *, client_pk: int, subscription_id: int | None = None, kind: Kind | None = None, object_id: str = ""
) -> None:
    """End the client's subscriptions that fit everything given; none is fine. Their waiting updates go with them.

    object_id: as clients see it. Cost: one transaction on main.
    """
    wanted = Q(client=client_pk)
    if subscription_id is not None:
        wanted &= Q(pk=subscription_id)
    if kind is not None:
        wanted &= Q(object=kind)
    if object_id:
        geography = Q(geography=int(object_id)) if _is_id(object_id) else Q(pk__in=[])
        wanted &= (Q(target=object_id) & ~Q(object=Kind.GEOGRAPHY)) | geography
    with transaction.atomic():
        # First the callbacks, in order: whoever adds updates has them locked, too.
        list(Callback.objects.select_for_update().filter(client=client_pk).order_by("pk"))
        ended = Subscription.objects.filter(wanted)
        geographies = [pk for pk in ended.values_list("geography", flat=True) if pk is not None]
        ended.delete()
        Geography.objects.filter(pk__in=geographies).delete()
        Callback.objects.filter(client=client_pk, subscription=None).delete()


def verify(callback_url: str, verify_token: str) -> None:
    """Have the callback prove that it wants updates. Raises InvalidParameters, SubscriptionError, Unavailable.

    GET {callback_url}?hub.mode=subscribe&hub.challenge=...: answered 200 with the challenge as its body.
    """
    address = callbacks.parsed(callback_url)
    challenge = secrets.token_hex(16)
    asked = {"hub.mode": "subscribe", "hub.challenge": challenge}
    if verify_token:
        asked["hub.verify_token"] = verify_token
    path = address.path + ("&" if "?" in address.path else "?") + urlencode(asked, quote_via=quote)
    if not _verifying().acquire(blocking=False):
        raise Unavailable
    try:
        reply = callbacks.send("GET", address, path=path)
    except callbacks.Unreachable:
        raise SubscriptionError(f'Unable to reach callback URL "{callback_url}".') from None
    finally:
        _verifying().release()
    if reply.status != 200:
        raise SubscriptionError("Invalid response")
    if reply.body.strip() != challenge.encode():
        raise SubscriptionError("Challenge verification failed.")


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text[:19]) < 2**63 and len(text) <= 19
