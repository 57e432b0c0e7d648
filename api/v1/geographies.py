"""GET /v1/geographies/{id}/media/recent: photos inside a circle that the client subscribed to."""

from django.conf import settings

from accounts import visibility
from api.calls import Call
from api.pagination import next_page
from api.parameters import object_id_of
from api.v1.base import Answer, Endpoint, enveloped, route
from api.v1.present import present_media
from instagram.errors import NotFound
from notifications.queries import geography_of, media_in_circle
from sharding.ids import MAX_ID


class GeographyMedia(Endpoint):
    """Photos of public accounts in a circle, newest first."""

    def get(self, call: Call, geography_id: str) -> Answer:
        """Return one page; what cannot be shown is left out, the cursors count it."""
        number = object_id_of(geography_id, "geography")
        geography = geography_of(call.client.pk, number) if call.client else None
        if geography is None:
            raise NotFound(what="geography")
        count = call.params.count(settings.PAGE_DEFAULT, settings.PAGE_MAX)
        below, above = call.params.photo_cursor("max_id"), call.params.photo_cursor("min_id")
        rows = media_in_circle(geography, below=MAX_ID if below is None else below, above=above or 0, count=count + 1)
        page = rows[:count]
        # Of public accounts alone, also for a token whose person may see more.
        media = present_media(visibility.public_photos(None, dict(page)), call.viewer_id)
        cursor = "{}_{}".format(*page[-1]) if len(rows) > count else None
        # For polling: where the next look begins. With nothing new that is where this one began.
        newest = "{}_{}".format(*page[0]) if page else call.params.get("min_id").strip()
        extra = {"next_min_id": newest} if newest else {}
        return enveloped(media, next_page(call, "max_id", cursor, **extra))


routes = [route("v1/geographies/<geography_id>/media/recent", GeographyMedia)]
