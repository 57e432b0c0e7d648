"""Making locations, or finding the one that is meant."""

import re

from django.db import connection, transaction

from instagram.errors import InvalidParameters
from photos.cells import cell_of
from photos.models import Location
from photos.queries.locations import locations_near

NAME_MAX_CHARS = 100
#: A new place of the same name this near is the same place.
SAME_PLACE_M = 100.0
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def find_or_create_location(
    *, name: str, latitude: float, longitude: float, foursquare_v2_id: str | None = None
) -> Location:
    """Return the location Foursquare calls so, else the one of that name near by, else a new one.

    Safe to repeat, by several at once too. Raises InvalidParameters. Cost: three statements on main.
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_MAX_CHARS:
        raise InvalidParameters(f"name: 1 to {NAME_MAX_CHARS} characters")
    if foursquare_v2_id is not None and not _EXTERNAL_ID.fullmatch(foursquare_v2_id):
        raise InvalidParameters("foursquare_v2_id: not an id of a venue")
    with transaction.atomic():
        # One after the other: the second of two equal requests finds what the first one made.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [foursquare_v2_id or name.lower()])
        known = _known(name, latitude, longitude, foursquare_v2_id)
        return known or Location.objects.create(
            name=name,
            latitude=latitude,
            longitude=longitude,
            cell=cell_of(latitude, longitude),
            foursquare_v2_id=foursquare_v2_id,
        )


def _known(name: str, latitude: float, longitude: float, foursquare_v2_id: str | None) -> Location | None:
    if foursquare_v2_id is not None:
        return Location.objects.filter(foursquare_v2_id=foursquare_v2_id).first()
    # 50 places within 100 m: more are no street but a test of ours.
    for location in locations_near(latitude, longitude, SAME_PLACE_M, count=50):
        if location.name.lower() == name.lower():
            return location
    return None
