"""What is said under a photo."""

from accounts import visibility
from accounts.queries import profiles
from api.parameters import object_id_of
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from api.v1.media import visible_photo
from api.v1.present import present_comment
from photos.queries import comments_of
from photos.queries.engagement import CommentFacts
from photos.services import add_comment, delete_comment


class Comments(Endpoint):
    """The comments of a photo."""

    def get(self, call: Call, media_id: str) -> Answer:
        """Return them, oldest first, without the caption."""
        comments = comments_of(visible_photo(call, media_id).id)
        people = visibility.listed(call.viewer_id, {comment.author_id for comment in comments})
        return enveloped([present_comment(c, people[c.author_id]) for c in comments if c.author_id in people])

    @access(scope="comments")
    def post(self, call: Call, media_id: str) -> Answer:
        """Add one; the answer is the comment."""
        photo = visible_photo(call, media_id)
        first_party = bool(call.client and call.client.first_party)
        comment = add_comment(
            user_id=call.my_id, photo_id=photo.id, text=call.params.required("text"), first_party=first_party
        )
        facts = CommentFacts(comment.id, photo.id, comment.author_id, comment.text)
        return enveloped(present_comment(facts, profiles([call.my_id])[call.my_id]))


class CommentDetail(Endpoint):
    """One comment."""

    @access(scope="comments")
    def delete(self, call: Call, media_id: str, comment_id: str) -> Answer:
        """Delete one's own comment, or any under one's own photo."""
        photo = visible_photo(call, media_id)
        delete_comment(user_id=call.my_id, photo_id=photo.id, comment_id=object_id_of(comment_id, "comment"))
        return enveloped(None)


routes = [
    route("v1/media/<media_id>/comments", Comments),
    route("v1/media/<media_id>/comments/<comment_id>", CommentDetail),
]
