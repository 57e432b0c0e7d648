"""GET /v1/users/self/feed: the home feed."""

from django.conf import settings

from api.pagination import next_page
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from api.v1.present import present_media
from feeds.inboxes import open_feed


class Feed(Endpoint):
    """Photos by oneself and those one follows, newest first."""

    @access(token=True)
    def get(self, call: Call) -> Answer:
        """Return one page. Photos that cannot be shown are left out; the cursor counts them."""
        page = open_feed(
            call.my_id,
            max_id=call.params.photo_cursor("max_id"),
            min_id=call.params.photo_cursor("min_id"),
            count=call.params.count(settings.PAGE_DEFAULT, settings.PAGE_MAX),
        )
        media = present_media([photo_id for photo_id, _ in page.photos], call.my_id)
        cursor = None
        if page.next_max_id is not None:
            # Canonical, although the row may not have been readable: the inbox knows the author.
            cursor = f"{page.next_max_id}_{page.photos[-1][1]}"
        return enveloped(media, next_page(call, "max_id", cursor))


routes = [route("v1/users/self/feed", Feed)]
