"""Filters: which there are, and how a picture would look in them."""

from typing import cast

from api.v1.base import Answer, Call, Endpoint, access, enveloped, picture, route
from instagram.errors import InvalidParameters
from photos import filters
from photos.filters import TiltShift
from photos.services import previews


class Filters(Endpoint):
    """GET /v1/filters: what our own app offers."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return all there ever were; `active`: offered now."""
        return enveloped(
            [
                {"name": name, "code": filters.CODES[name], "active": name not in filters.RETIRED}
                for name in filters.NAMES
            ]
        )


class Preview(Endpoint):
    """POST /v1/filters/preview: look before publishing."""

    only_reads = True

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Return a JPEG: the picture in `filter`, or without one a row of it in all that are offered; the header
        X-Filters names them from left to right. Nothing is kept."""
        upload = call.params.files.get("photo")
        if upload is None:
            raise InvalidParameters("photo: this file is required")
        given = call.params.get("filter")
        name = filters.spelled(given) if given else None
        if given and name is None:
            raise InvalidParameters(f"filter: no filter is called {given}")
        jpeg, names = previews.preview(
            image=upload.read(),
            filter_name=name,
            border=call.params.flag("border", default=False),
            tilt_shift=cast(TiltShift, call.params.choice("tilt_shift", ("none", "radial", "linear"), default="none")),
            lux=call.params.number("lux", low=0, high=1) or 0.0,
            side=call.params.integer("size", low=previews.SMALLEST, high=previews.LARGEST),
        )
        return picture(jpeg, {"X-Filters": ", ".join(names)})


routes = [route("v1/filters", Filters), route("v1/filters/preview", Preview)]
