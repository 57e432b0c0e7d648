"""GET /v1/media/popular."""

from accounts import visibility
from accounts.reports import hidden_by_reports
from api.v1.base import Answer, Call, Endpoint, enveloped, route
from api.v1.present import present_media
from feeds.popular import popular

DEFAULT, MOST = 32, 100


class Popular(Endpoint):
    """What is popular now: one list for everybody, without what the viewer may not see."""

    def get(self, call: Call) -> Answer:
        """Return the list, most popular first."""
        photos = popular()
        public = visibility.public_authors(call.viewer_id, photos.values())
        hidden = hidden_by_reports(photos)
        shown = [photo_id for photo_id, author_id in photos.items() if author_id in public and photo_id not in hidden]
        return enveloped(present_media(shown[: call.params.count(DEFAULT, MOST)], call.viewer_id))


routes = [route("v1/media/popular", Popular)]
