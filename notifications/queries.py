"""Reads about subscriptions, their deliveries and what lies in a geography. None writes."""

import math
from collections.abc import Iterable

from django.db.models import Q

from photos.models import Comment, State
from sharding import shard_of_object
from sharding.ids import MAX_ID

from .circles import box_around, distance_m
from .models import Delivery, Geography, GeographyMedia, Kind, Subscription

#: Metres: the largest circle a client may watch.
RADIUS_MAX_M = 5_000.0


def subscriptions_of(client_pk: int) -> list[Subscription]:
    """Return a client's subscriptions with their callbacks, oldest first. Cost: one query on main."""
    return list(Subscription.objects.filter(client=client_pk).select_related("callback").order_by("pk"))


def subscription_of(client_pk: int, subscription_id: int) -> Subscription | None:
    """Return one of a client's subscriptions. Cost: one query on main."""
    return Subscription.objects.filter(client=client_pk, pk=subscription_id).select_related("callback").first()


def deliveries_of(subscription_id: int, *, below: int = MAX_ID, count: int = 20) -> list[Delivery]:
    """Return deliveries that told of a subscription, latest first: those of the last day. Cost: one query on main."""
    found = Delivery.objects.filter(updates__subscription=subscription_id, pk__lt=below).distinct()
    return list(found.order_by("-pk")[:count])


def matching_subscriptions(
    *,
    author_id: int | None,
    tags: Iterable[str] = (),
    location_id: int | None = None,
    geography_ids: Iterable[int] = (),
) -> list[Subscription]:
    """Return subscriptions of active clients to any of these. author_id: `user` ones of clients with their token.

    Cost: one query on main, by index for each part.
    """
    active = Subscription.objects.filter(client__is_active=True)
    parts = []
    if author_id is not None:
        # In one filter(): of one token, hence not more than one row for a client.
        parts.append(
            active.filter(object=Kind.USER, client__accesstoken__user=author_id, client__accesstoken__is_active=True)
        )
    if names := list(tags):
        parts.append(active.filter(object=Kind.TAG, target__in=names))
    if location_id is not None:
        parts.append(active.filter(object=Kind.LOCATION, target=str(location_id)))
    if circles := list(geography_ids):
        parts.append(active.filter(geography__in=circles))
    if not parts:
        return []
    return list(parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0])


def geography_of(client_pk: int, geography_id: int) -> Geography | None:
    """Return one of a client's geographies. Cost: one query on main."""
    return Geography.objects.filter(client=client_pk, pk=geography_id).first()


def geographies_around(latitude: float, longitude: float) -> list[int]:
    """Return the circles, of whichever client, that a point lies in. Cost: one query on main, by latitude."""
    box = box_around(latitude, longitude, RADIUS_MAX_M)
    near = Geography.objects.filter(latitude__range=(box.south, box.north))
    if box.longitudes is not None:
        within = Q()
        for west, east in box.longitudes:
            within |= Q(longitude__range=(west, east))
        near = near.filter(within)
    return [each.pk for each in near if distance_m(latitude, longitude, each.latitude, each.longitude) <= each.radius]


def media_in_circle(
    geography: Geography, *, below: int = MAX_ID, above: int = 0, count: int = 20
) -> list[tuple[int, int]]:
    """Return (photo id, author id) of photos taken inside a circle, newest first; both cursors are exclusive.

    Whoever may see them: the caller asks for visibility. Filled by notifications.match_photo and fill_geography;
    an index of places may take their place, here alone. Cost: one query on main.
    """
    rows = GeographyMedia.objects.filter(geography=geography, photo_id__lt=below, photo_id__gt=above)
    return list(rows.order_by("-photo_id").values_list("photo_id", "author_id")[:count])


def inside(geography: Geography, latitude: float | None, longitude: float | None) -> bool:
    """Return whether a point lies in a circle; a photo may have none."""
    if latitude is None or longitude is None or not math.isfinite(latitude + longitude):
        return False
    return distance_m(geography.latitude, geography.longitude, latitude, longitude) <= geography.radius


def owner_comments(photo_id: int, owner_id: int, *, up_to: int) -> dict[int, str]:
    """Return the owner's own comments under a photo, up to and with one, by id. Cost: one query on its shard."""
    comments = shard_of_object(photo_id).model(Comment).objects
    rows = comments.filter(photo_id=photo_id, author_id=owner_id, state=State.VISIBLE, id__lte=up_to)
    return dict(rows.order_by("id").values_list("id", "text"))
