"""Who likes a photo, and what I like."""

from django.conf import settings

from accounts import visibility
from api.pagination import next_page
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from api.v1.media import visible_photo
from api.v1.present import present_media
from api.v1.present_users import present_mini
from photos.queries import liked_page, likers_of
from photos.services import like_photo, unlike_photo


class Likes(Endpoint):
    """The likes of a photo."""

    def get(self, call: Call, media_id: str) -> Answer:
        """Return who likes it, latest first."""
        liker_ids = likers_of(visible_photo(call, media_id).id)
        people = visibility.listed(call.viewer_id, liker_ids)
        return enveloped([present_mini(people[i]) for i in liker_ids if i in people])

    @access(scope="likes")
    def post(self, call: Call, media_id: str) -> Answer:
        """Like it; harmless to repeat."""
        like_photo(user_id=call.my_id, photo_id=visible_photo(call, media_id).id)
        return enveloped(None)

    @access(scope="likes")
    def delete(self, call: Call, media_id: str) -> Answer:
        """Take one's like back; harmless to repeat."""
        unlike_photo(user_id=call.my_id, photo_id=visible_photo(call, media_id).id)
        return enveloped(None)


class LikedMedia(Endpoint):
    """What I like."""

    @access(token=True)
    def get(self, call: Call) -> Answer:
        """Return one page, latest like first; what I may not see (any more) is left out, the cursor counts it."""
        page = liked_page(
            call.my_id,
            below=call.params.id_cursor("max_like_id"),
            count=call.params.count(settings.PAGE_DEFAULT, settings.PAGE_MAX),
        )
        return enveloped(present_media(page.photo_ids, call.my_id), next_page(call, "max_like_id", page.next_cursor))


routes = [
    route("v1/media/<media_id>/likes", Likes),
    route("v1/users/self/media/liked", LikedMedia),
]
