"""Photos: upload, one, one's, delete."""

from typing import Any, cast, get_args

from django.conf import settings

from accounts import visibility
from api.calls import Call
from api.pagination import next_page
from api.parameters import Params, media_id_of
from api.rate_limit import spend_pace
from api.v1.base import Answer, Endpoint, access, enveloped, route
from api.v1.bounds import photo_bounds
from api.v1.locations import place_of_upload
from api.v1.present import present_media
from api.v1.present_shares import services_of, shares_of_upload
from instagram.errors import InvalidParameters, NotFound
from photos.filters import Look
from photos.filters.look import TiltShift
from photos.queries import PhotoBody, body_of, photos_by
from photos.services import delete_photo, publish, published_under
from sharding.ids import id_of_shortcode


def visible_photo(call: Call, text: str) -> PhotoBody:
    """Return the photo a path names, if the caller may see it."""
    media_id = media_id_of(text)
    body = body_of(media_id.photo_id)
    if media_id.user_id not in (None, body.author_id):
        raise NotFound(what="media")
    try:
        visibility.require_may_see(call.viewer_id, body.author_id)
    except NotFound:  # its owner is away or gone, and the photo with them
        raise NotFound(what="media") from None
    return body


def one_media(photo_id: int, call: Call) -> dict[str, Any]:
    """Return one Media object, or raise NotFound."""
    media = present_media([photo_id], call.viewer_id)
    if not media:
        raise NotFound(what="media")
    return media[0]


class MediaList(Endpoint):
    """POST /v1/media: upload a photo."""

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Publish the photo; the answer is its Media object, with what became of each share."""
        upload = call.params.files.get("photo")
        upload_id = call.params.get("upload_id")
        if upload is None and not upload_id:  # with a key it may have been sent before: api/v1/uploads.py
            raise InvalidParameters("photo: this file is required")
        share_to = services_of(call.params)
        # A repeat is answered with what there is, however many photos this hour has seen.
        photo_id = published_under(author_id=call.my_id, upload_id=upload_id)
        if photo_id is None:
            spend_pace(call.my_id, "photos")
            photo_id = self._publish(call, image=upload.read() if upload else None, share_to=share_to)
        shares = shares_of_upload(user_id=call.my_id, photo_id=photo_id, services=share_to)
        return enveloped(one_media(photo_id, call) | {"shares": shares})

    def _publish(self, call: Call, *, image: bytes | None, share_to: list[str]) -> int:
        return publish(
            author_id=call.my_id,
            image=image,
            caption=call.params.get("caption").strip(),
            look=_look(call.params),
            draw=not call.params.flag("filtered", default=True),
            place=place_of_upload(call),
            upload_id=call.params.get("upload_id"),
            taken_at=call.params.epoch("taken_at"),
            share_to=share_to,
        )


def _look(params: Params) -> Look:
    return Look(
        filter_name=params.get("filter") or "Normal",
        border=params.flag("border", default=False),
        tilt_shift=cast("TiltShift", params.choice("tilt_shift", get_args(TiltShift), default="none")),
        lux=params.number("lux", low=0, high=1) or 0.0,
    )


class MediaDetail(Endpoint):
    """One photo."""

    def get(self, call: Call, media_id: str) -> Answer:
        """Return the photo."""
        return enveloped(one_media(visible_photo(call, media_id).id, call))

    @access(first_party=True)
    def delete(self, call: Call, media_id: str) -> Answer:
        """Delete one's own photo."""
        delete_photo(user_id=call.my_id, photo_id=visible_photo(call, media_id).id)
        return enveloped(None)


class MediaByShortcode(Endpoint):
    """One photo by its short code."""

    def get(self, call: Call, code: str) -> Answer:
        """Return the photo."""
        try:
            photo_id = id_of_shortcode(code)
        except ValueError:
            raise NotFound(what="media") from None
        return enveloped(one_media(visible_photo(call, str(photo_id)).id, call))


class RecentMedia(Endpoint):
    """A person's photos."""

    def get(self, call: Call, user_id: str) -> Answer:
        """Return one page, newest first."""
        owner_id = call.user_id(user_id)
        visibility.require_may_see(call.viewer_id, owner_id)
        params = call.params
        count = params.count(settings.PAGE_DEFAULT, settings.PAGE_MAX)
        below, above = photo_bounds(params)
        photo_ids = photos_by(owner_id, below=below, above=above, count=count + 1)
        page = photo_ids[:count]
        cursor = f"{page[-1]}_{owner_id}" if len(photo_ids) > count else None
        return enveloped(present_media(page, call.viewer_id), next_page(call, "max_id", cursor))


routes = [
    route("v1/media", MediaList),
    route("v1/media/<media_id>", MediaDetail),
    route("v1/media/shortcode/<code>", MediaByShortcode),
    route("v1/users/<user_id>/media/recent", RecentMedia),
]
