"""Delivering updates: one callback at a time, in order, each delivery until it is taken or too old.

A callback that fails holds up nothing but itself: what comes for it meanwhile waits in rows, and goes out together
once it answers.
"""

import hashlib
import hmac
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from instagram.counting import count
from instagram.errors import NotFound
from jobs import request_id

from .. import callbacks
from ..errors import SubscriptionError
from ..models import Callback, Delivery, Outcome, Subscription, Update
from .matching import AWAKE_MARGIN_S, wake

#: Most updates in one body: some 12 kB.
BATCH = 100
#: Seconds between two attempts at most.
LONGEST_WAIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One attempt to be made now."""

    delivery_id: int
    url: str
    secret: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done for so many seconds."""

    seconds: float


def body_of_updates(updates: Iterable[Update]) -> bytes:
    """Return the body: a compact JSON array, keys in the contract's order. updates: with their subscriptions."""
    return orjson.dumps(
        [
            {
                "subscription_id": str(update.subscription_id),
                "object": update.subscription.object,
                "object_id": update.object_id,
                "changed_aspect": "media",
                "time": update.time,
            }
            for update in updates
        ]
    )


def signature(secret: str, body: bytes) -> str:
    """Return X-Hub-Signature: bare hex, as clients of the time compare it."""
    return hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


def begin(callback_id: int) -> Turn | Wait | None:
    """Return what is to be sent to a callback next; None when nothing waits (any more).

    Takes the callback for twice the time-out, so that a second run sends nothing beside the first.
    Cost: one short transaction on main.
    """
    with transaction.atomic():
        callback = Callback.objects.select_for_update(of=["self"]).select_related("client").filter(pk=callback_id)
        found = callback.first()
        if found is None:
            return None
        now = timezone.now()
        if found.busy_until is not None and found.busy_until > now:
            return _asleep(found, now, (found.busy_until - now).total_seconds())
        while delivery := _open_delivery(found, now):
            updates = list(delivery.updates.select_related("subscription").order_by("pk"))
            if not updates:  # unsubscribed meanwhile
                delivery.delete()
            elif not found.client.is_active:
                _give_up(delivery, "the client is switched off")
            elif delivery.give_up_at <= now:
                _give_up(delivery, delivery.error or "too old before an attempt could be made")
            elif delivery.next_attempt_at > now:
                return _asleep(found, now, (delivery.next_attempt_at - now).total_seconds())
            else:
                body = body_of_updates(updates)
                delivery.payload = body.decode()
                delivery.save(update_fields=["payload"])
                found.busy_until = now + timedelta(seconds=2 * settings.CALLBACK_TIMEOUT_S)
                _asleep(found, now, 0.0)
                return Turn(delivery.pk, found.url, found.client.client_secret, body)
        found.awake_until = found.busy_until = None
        found.save(update_fields=["awake_until", "busy_until"])
        return None


def attempt(turn: Turn) -> tuple[int | None, str]:
    """Make the request; return the HTTP status (None: no answer) and why it failed (empty: it did not)."""
    try:
        reply = callbacks.send(
            "POST",
            callbacks.parsed(turn.url),
            headers={"Content-Type": "application/json", "X-Hub-Signature": signature(turn.secret, turn.body)}
            | _asked_by(),
            body=turn.body,
        )
    except callbacks.Unreachable as error:
        return None, str(error)
    return reply.status, "" if 200 <= reply.status < 300 else f"HTTP status {reply.status}"


def record(turn: Turn, http_status: int | None, error: str) -> None:
    """Note an attempt's result; a failed one is tried again later. Cost: one short transaction on main."""
    with transaction.atomic():
        now = timezone.now()
        delivery = Delivery.objects.select_related("callback").filter(pk=turn.delivery_id).first()
        if delivery is None:
            return
        Callback.objects.select_for_update().filter(pk=delivery.callback_id).first()
        delivery.refresh_from_db()
        if delivery.status != Outcome.PENDING:
            return
        delivery.attempts += 1
        delivery.http_status, delivery.attempted_at, delivery.error = http_status, now, error
        count("webhooks", result="failed" if error else "delivered")
        if error:
            wait_s = min(LONGEST_WAIT_S, settings.CALLBACK_RETRY_BASE_S * 2.0 ** min(delivery.attempts - 1, 10))
            # Jitter: many deliveries that failed together do not come back together.
            delivery.next_attempt_at = now + timedelta(seconds=wait_s * random.uniform(0.75, 1.25))
            if delivery.next_attempt_at >= delivery.give_up_at:
                delivery.status = Outcome.FAILED
        else:
            delivery.status = Outcome.DELIVERED
        delivery.save()
        Callback.objects.filter(pk=delivery.callback_id).update(busy_until=None)


def replay(*, client_pk: int, subscription_id: int, delivery_id: int) -> Delivery:
    """Try a failed delivery again, for as long as a new one; return it. One that waits already is left as it is.

    Raises NotFound, SubscriptionError for one that was taken.
    """
    if not Subscription.objects.filter(pk=subscription_id, client=client_pk).exists():
        raise NotFound(what="subscription")
    with transaction.atomic():
        found = Delivery.objects.filter(pk=delivery_id, updates__subscription=subscription_id).first()
        if found is None:
            raise NotFound(what="delivery")
        callback = Callback.objects.select_for_update().get(pk=found.callback_id)
        delivery = Delivery.objects.get(pk=found.pk)
        if delivery.status == Outcome.DELIVERED:
            raise SubscriptionError("Only a failed delivery can be replayed.")
        if delivery.status == Outcome.FAILED:
            now = timezone.now()
            delivery.status, delivery.attempts, delivery.next_attempt_at = Outcome.PENDING, 0, now
            delivery.give_up_at = now + timedelta(seconds=settings.CALLBACK_GIVE_UP_S)
            delivery.save()
            callback.awake_until = None  # whoever cares for it may sleep for minutes
            wake([callback], delay_s=0.0)
        return delivery


def _asked_by() -> dict[str, str]:
    """Return the id of the request that began this, for a developer's question; a batch may hold what others began."""
    named = request_id.get()
    return {"X-Request-Id": named} if named else {}


def _open_delivery(callback: Callback, now: datetime) -> Delivery | None:
    """Return the callback's oldest open delivery, or a new one of what waits; None if nothing does."""
    delivery = Delivery.objects.filter(callback=callback, status=Outcome.PENDING).order_by("pk").first()
    if delivery is not None:
        return delivery
    waiting = list(Update.objects.filter(subscription__callback=callback, delivery=None).order_by("pk")[:BATCH])
    if not waiting:
        return None
    too_old = now - timedelta(seconds=settings.CALLBACK_GIVE_UP_S)
    # What a long outage made too old is logged by itself and drags nothing fresh with it.
    batch = [each for each in waiting if each.created_at <= too_old] or waiting
    oldest = min(each.created_at for each in batch)
    delivery = Delivery.objects.create(
        callback=callback, give_up_at=oldest + timedelta(seconds=settings.CALLBACK_GIVE_UP_S), next_attempt_at=now
    )
    Update.objects.filter(pk__in=[each.pk for each in batch]).update(delivery=delivery)
    return delivery


def _asleep(callback: Callback, now: datetime, seconds: float) -> Wait:
    """Say that the callback is cared for until the next step."""
    callback.awake_until = now + timedelta(seconds=seconds + AWAKE_MARGIN_S)
    callback.save(update_fields=["awake_until", "busy_until"])
    return Wait(seconds)


def _give_up(delivery: Delivery, error: str) -> None:
    delivery.status, delivery.error = Outcome.FAILED, error
    delivery.save(update_fields=["status", "error"])
