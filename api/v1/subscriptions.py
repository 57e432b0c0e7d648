"""Realtime subscriptions: make, list, end them; and, of ours, what became of their deliveries.

All with client_id and client_secret: no person is involved.
"""

from typing import Any

import orjson
from django.conf import settings

from api.calls import Call
from api.credentials import WrongSecret
from api.pagination import next_page
from api.parameters import object_id_of
from api.rate_limit import Budget
from api.v1.base import Answer, Endpoint, access, enveloped, route
from instagram.errors import InvalidClient, InvalidParameters, NotFound
from notifications.errors import SubscriptionError
from notifications.models import Delivery, Kind, Subscription
from notifications.queries import RADIUS_MAX_M, deliveries_of, subscription_of, subscriptions_of
from notifications.services import Circle, Wish, replay, subscribe, unsubscribe
from photos.hashtags import hashtags_in
from sharding.ids import MAX_ID

#: Longest tag that can be subscribed to, characters.
TAG_MAX_CHARS = 100


class _Endpoint(Endpoint):
    """Says of a wrong pair of client_id and client_secret what these calls say of it, and no others."""

    def _admit(self, call: Call, handler: Any, budget: Budget, placeholders: dict[str, str]) -> None:
        try:
            super()._admit(call, handler, budget, placeholders)
        except (InvalidClient, WrongSecret):
            raise SubscriptionError('Invalid "client_id" and/or "client_secret".') from None


class Subscriptions(_Endpoint):
    """The subscriptions of a client."""

    @access(secret=True)
    def get(self, call: Call) -> Answer:
        """List them, oldest first."""
        return enveloped([_present(each) for each in subscriptions_of(_client(call))])

    @access(secret=True)
    def post(self, call: Call) -> Answer:
        """Verify the callback, while this call waits, and subscribe."""
        params = call.params
        kind = Kind(params.choice("object", Kind.values))
        params.choice("aspect", ("media",))
        wish = _wish(call, kind)
        subscription = subscribe(
            client_pk=_client(call),
            wish=wish,
            callback_url=params.required("callback_url").strip(),
            verify_token=params.get("verify_token"),
        )
        return enveloped(_present(subscription))

    @access(secret=True)
    def delete(self, call: Call) -> Answer:
        """End one by its id, all, or all of a kind, optionally of one object."""
        params = call.params
        subscription_id = params.integer("id", low=0)
        kind = params.choice("object", ("all", *Kind.values), default="" if subscription_id is not None else None)
        object_id = params.get("object_id").strip()
        if kind == Kind.TAG:
            object_id = object_id.removeprefix("#").lower()
        unsubscribe(
            client_pk=_client(call),
            subscription_id=subscription_id,
            kind=Kind(kind) if kind in Kind.values else None,
            object_id=object_id,
        )
        return enveloped(None)


class Deliveries(_Endpoint):
    """What was sent for a subscription in the last day."""

    @access(secret=True)
    def get(self, call: Call, subscription_id: str) -> Answer:
        """Return one page, latest first."""
        subscription = subscription_of(_client(call), object_id_of(subscription_id, "subscription"))
        if subscription is None:
            raise NotFound(what="subscription")
        count = call.params.count(settings.PAGE_DEFAULT, settings.PAGE_MAX)
        before = call.params.id_cursor("cursor")
        found = deliveries_of(subscription.pk, below=MAX_ID if before is None else before, count=count + 1)
        page = found[:count]
        cursor = page[-1].pk if len(found) > count else None
        return enveloped([_present_delivery(each) for each in page], next_page(call, "cursor", cursor))


class Replay(_Endpoint):
    """POST: try a failed delivery again."""

    @access(secret=True)
    def post(self, call: Call, subscription_id: str, delivery_id: str) -> Answer:
        """Put it back; the answer is its record."""
        delivery = replay(
            client_pk=_client(call),
            subscription_id=object_id_of(subscription_id, "subscription"),
            delivery_id=object_id_of(delivery_id, "delivery"),
        )
        return enveloped(_present_delivery(delivery))


def _client(call: Call) -> int:
    assert call.client is not None  # noqa: S101  # these calls have no other credential
    return call.client.pk


def _wish(call: Call, kind: Kind) -> Wish:
    params = call.params
    if kind == Kind.TAG:
        return Wish(kind, _tag(params.required("object_id")))
    if kind == Kind.LOCATION:
        return Wish(kind, str(object_id_of(params.required("object_id").strip(), "location")))
    if kind == Kind.GEOGRAPHY:
        position, radius = params.position(), params.number("radius", low=1, high=RADIUS_MAX_M)
        if position is None:
            raise InvalidParameters("lat: this parameter is required")
        if radius is None:
            raise InvalidParameters("radius: this parameter is required")
        return Wish(kind, circle=Circle(*position, radius))
    return Wish(kind)


def _tag(text: str) -> str:
    """Return a tag's name as photos have it, from what a client wrote: any case, with or without its #."""
    written = text.strip().removeprefix("#")
    name = written.lower()
    if len(name) > TAG_MAX_CHARS or hashtags_in(f"#{written}") != [name]:
        raise InvalidParameters("object_id: not the name of a tag")
    return name


def _present(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": str(subscription.pk),
        "type": "subscription",
        "object": subscription.object,
        "object_id": subscription.object_id,
        "aspect": "media",
        "callback_url": subscription.callback.url,
    }


def _present_delivery(delivery: Delivery) -> dict[str, Any]:
    attempted_at = delivery.attempted_at
    return {
        "id": str(delivery.pk),
        "status": delivery.status,
        "created_time": str(int(delivery.created_at.timestamp())),
        "attempts": delivery.attempts,
        "last_attempt_time": None if attempted_at is None else str(int(attempted_at.timestamp())),
        "http_status": delivery.http_status,
        "error": delivery.error or None,
        "payload": orjson.loads(delivery.payload) if delivery.payload else [],
    }


routes = [
    route("v1/subscriptions", Subscriptions),
    route("v1/subscriptions/<subscription_id>/deliveries", Deliveries),
    route("v1/subscriptions/<subscription_id>/deliveries/<delivery_id>/replay", Replay),
]
