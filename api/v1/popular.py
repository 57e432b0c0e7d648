"""GET /v1/media/popular."""

from api.v1.base import Answer, Call, Endpoint, enveloped, route
from api.v1.present import present_media
from feeds.popular import popular_for

DEFAULT, MOST = 32, 100


class Popular(Endpoint):
    """What is popular now: one list for everybody, without what the viewer may not see."""

    def get(self, call: Call) -> Answer:
        """Return the list, most popular first."""
        shown = popular_for(call.viewer_id)
        return enveloped(present_media(shown[: call.params.count(DEFAULT, MOST)], call.viewer_id))


routes = [route("v1/media/popular", Popular)]
