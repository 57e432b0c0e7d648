"""Who likes a photo."""

from accounts.queries import profiles
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from api.v1.media import visible_photo
from api.v1.present_users import present_mini
from photos.queries import likers_of
from photos.services import like_photo, unlike_photo


class Likes(Endpoint):
    """The likes of a photo."""

    def get(self, call: Call, media_id: str) -> Answer:
        """Return who likes it, latest first."""
        liker_ids = likers_of(visible_photo(call, media_id).id)
        people = profiles(liker_ids)
        return enveloped([present_mini(people[i]) for i in liker_ids if i in people and people[i].is_active])

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


routes = [route("v1/media/<media_id>/likes", Likes)]
