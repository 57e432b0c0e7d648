"""Locations: one, its photos, finding some, making one."""

from typing import Any

from django.conf import settings

from accounts import visibility
from api.calls import Call
from api.pagination import next_page
from api.parameters import object_id_of
from api.v1.base import Answer, Endpoint, access, enveloped, route
from api.v1.bounds import photo_bounds
from api.v1.present import present_media
from instagram.errors import InvalidParameters, NotFound
from photos.models import Location
from photos.queries import location_called, location_of, locations_near, taken_at
from photos.queries.locations import EXTERNAL_IDS
from photos.services import find_or_create_location
from photos.services.publish import Place

SEARCH_DEFAULT, SEARCH_MAX = 20, 100


def present_location(location: Location) -> dict[str, Any]:
    """Return a Location object."""
    return {
        "id": str(location.pk),
        "name": location.name,
        "latitude": location.latitude,
        "longitude": location.longitude,
    }


def place_of_upload(call: Call) -> Place | None:
    """Return where an upload says it was taken: a location, one of Foursquare's, raw coordinates, or nowhere."""
    params = call.params
    position = params.position()
    if location_id := params.get("location_id").strip():
        location = _location(location_id)
    elif venue := params.get("foursquare_v2_id").strip():
        known = location_called("foursquare_v2_id", venue)
        if known is None and position is None:
            raise InvalidParameters("lat: a new place needs lat and lng")
        location = known or find_or_create_location(
            name=params.required("location_name"),
            latitude=position[0] if position else 0.0,
            longitude=position[1] if position else 0.0,
            foursquare_v2_id=venue,
        )
    else:
        return Place(*position) if position else None
    return Place(location.latitude, location.longitude, location_id=location.pk, name=location.name)


class LocationList(Endpoint):
    """POST /v1/locations: make a place."""

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Return the place, made or found: Foursquare's id or the same name near by say it is there already."""
        name, position = call.params.required("name"), call.params.position()
        if position is None:
            raise InvalidParameters("lat: lat and lng are required")
        venue = call.params.get("foursquare_v2_id").strip() or None
        location = find_or_create_location(
            name=name, latitude=position[0], longitude=position[1], foursquare_v2_id=venue
        )
        return enveloped(present_location(location))


class LocationDetail(Endpoint):
    """One place."""

    def get(self, call: Call, location_id: str) -> Answer:
        """Return the place."""
        return enveloped(present_location(_location(location_id)))


class LocationMedia(Endpoint):
    """Photos taken at a place."""

    def get(self, call: Call, location_id: str) -> Answer:
        """Return one page, newest first. Photos that cannot be shown are left out; the cursor counts them."""
        location = _location(location_id)
        count = call.params.count(settings.PAGE_DEFAULT, settings.PAGE_MAX)
        below, above = photo_bounds(call.params)
        found = taken_at(location.pk, below=below, above=above, count=count + 1)
        page = found[:count]
        media = present_media(visibility.public_photos(call.viewer_id, dict(page)), call.viewer_id)
        cursor = "{}_{}".format(*page[-1]) if len(found) > count else None
        return enveloped(media, next_page(call, "max_id", cursor))


class LocationSearch(Endpoint):
    """Finding places."""

    def get(self, call: Call) -> Answer:
        """Return places near a point, nearest first; by another service's id none or one."""
        for service in EXTERNAL_IDS:
            if external_id := call.params.get(service).strip():
                known = location_called(service, external_id)
                return enveloped([present_location(known)] if known else [])
        latitude, longitude, distance_m = call.params.circle()
        count = call.params.count(SEARCH_DEFAULT, SEARCH_MAX)
        return enveloped(
            [present_location(each) for each in locations_near(latitude, longitude, distance_m, count=count)]
        )


def _location(text: str) -> Location:
    location = location_of(object_id_of(text, "location"))
    if location is None:
        raise NotFound(what="location")
    return location


routes = [
    route("v1/locations", LocationList),
    route("v1/locations/search", LocationSearch),
    route("v1/locations/<location_id>", LocationDetail),
    route("v1/locations/<location_id>/media/recent", LocationMedia),
]
