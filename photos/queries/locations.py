"""Locations, in main."""

from django.db.models import FloatField, Func, Value

from photos.cells import cells_within

from ..models import Location

#: The names under which other services' ids of places come.
EXTERNAL_IDS = ("foursquare_v2_id", "foursquare_id", "facebook_places_id")


def location_of(location_id: int) -> Location | None:
    """Return a location. Cost: one query on main."""
    return Location.objects.filter(pk=location_id).first()


def location_called(service: str, external_id: str) -> Location | None:
    """Return the location that another service calls so. service: of EXTERNAL_IDS. Cost: one query on main."""
    return Location.objects.filter(**{service: external_id}).first()


def locations_near(latitude: float, longitude: float, distance_m: float, *, count: int) -> list[Location]:
    """Return locations within a circle, nearest first. Cost: one query on main, of the cells the circle meets."""
    metres = Func(
        Value(latitude), Value(longitude), "latitude", "longitude",
        function="local.metres_between", output_field=FloatField(),
    )  # fmt: skip
    near = Location.objects.filter(cell__in=cells_within(latitude, longitude, distance_m)).annotate(metres=metres)
    return list(near.filter(metres__lte=distance_m).order_by("metres", "id")[:count])
