"""Our own endpoints to post a photo at other services, and to see what became of it."""

from django.conf import settings

from accounts import visibility
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from api.v1.media import visible_photo
from api.v1.present_shares import present_shares, services_of
from instagram.errors import InvalidParameters, NotAllowed
from notifications.sharing.queries import shares_of
from notifications.sharing.services import share
from photos.queries import PhotoBody


class ShareMedia(Endpoint):
    """Post a photo elsewhere, later than at its upload."""

    @access(first_party=True)
    def post(self, call: Call, media_id: str) -> Answer:
        """Queue it for each service; what is queued or sent already stays as it is."""
        photo = visible_photo(call, media_id)
        _require_may_share(call.my_id, photo)
        call.params.required("share_to")
        services = services_of(call.params)
        if not services:
            raise InvalidParameters("share_to: this parameter is required")
        text = call.params.get("text").strip()
        if len(text) > settings.CAPTION_MAX_CHARS:
            raise InvalidParameters(f"text: at most {settings.CAPTION_MAX_CHARS} characters")
        return enveloped(present_shares(share(user_id=call.my_id, photo_id=photo.id, services=services, text=text)))


class Shares(Endpoint):
    """What became of one's own shares of a photo."""

    @access(token=True, first_party=True)
    def get(self, call: Call, media_id: str) -> Answer:
        """Return them."""
        photo = visible_photo(call, media_id)
        return enveloped(present_shares(shares_of(call.my_id, photo.id)))


def _require_may_share(viewer_id: int, photo: PhotoBody) -> None:
    """Raise NotAllowed for a private account's photo that is not one's own, seen as a follower."""
    if photo.author_id != viewer_id and photo.author_id not in visibility.public_authors(viewer_id, [photo.author_id]):
        raise NotAllowed("you can share photos of public accounts and your own only")


routes = [
    route("v1/media/<media_id>/share", ShareMedia),
    route("v1/media/<media_id>/shares", Shares),
]
