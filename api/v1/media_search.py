"""GET /v1/media/search: photos taken near a point in some days."""

import time

from django.conf import settings

from accounts import visibility
from api.parameters import Params
from api.v1.base import Answer, Call, Endpoint, enveloped, route
from api.v1.bounds import time_bounds
from api.v1.present import present_media
from photos.queries import taken_near

DAY_S = 86_400
#: Days that are searched unless told otherwise, and at most.
DEFAULT_S, MOST_S = 5 * DAY_S, 7 * DAY_S
#: Read beyond the page, since some may not be shown to the viewer.
SPARE = 20


class MediaSearch(Endpoint):
    """Photos near a point."""

    def get(self, call: Call) -> Answer:
        """Return photos, newest first, each with its distance from the point in metres."""
        latitude, longitude, distance_m = call.params.circle()
        below, above = time_bounds(*_span(call.params))
        count = call.params.count(settings.PAGE_DEFAULT, settings.PAGE_MAX)
        found = taken_near(latitude, longitude, distance_m, below=below, above=above, count=count + SPARE)
        shown = visibility.public_photos(call.viewer_id, {each.photo_id: each.author_id for each in found})
        media = present_media(shown[:count], call.viewer_id)
        metres = {each.photo_id: each.metres for each in found}
        return enveloped([each | {"distance": round(metres[_photo_id(each["id"])], 2)} for each in media])


def _span(params: Params) -> tuple[int, int]:
    """Return the first and last second that are searched."""
    earliest, latest = params.epoch("min_timestamp"), params.epoch("max_timestamp")
    if latest is None:
        latest = int(time.time()) if earliest is None else earliest + DEFAULT_S
    if earliest is None:
        earliest = max(latest - DEFAULT_S, 0)
    return max(earliest, latest - MOST_S), latest


def _photo_id(media_id: str) -> int:
    return int(media_id.partition("_")[0])


routes = [route("v1/media/search", MediaSearch)]
