"""Activity: one's News, what those did whom one follows, and how much of the News is new."""

from typing import Any

from django.conf import settings

from accounts.queries import Profile
from api.pagination import next_page
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from api.v1.present_users import present_mini
from notifications.activity.following import Deed, following_page
from notifications.activity.models import Kind
from notifications.activity.queries import News, news_page, unseen_count
from notifications.activity.services import see
from photos.queries import PhotoBody
from photos.storage import image_url
from sharding.ids import created_time_of

_THUMBNAIL_PX = 150


class Activity(Endpoint):
    """What others did that concerns me."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return one page, newest first; what cannot be shown is left out, the cursor counts it."""
        page = news_page(call.my_id, **_bounds(call))
        return enveloped([_present_news(each) for each in page.news], next_page(call, "max_id", page.next_max_id))


class Following(Endpoint):
    """What those did whom I follow."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return one page, newest first; what cannot be shown is left out, the cursor counts it."""
        page = following_page(call.my_id, **_bounds(call))
        return enveloped([_present_deed(each) for each in page.deeds], next_page(call, "max_id", page.next_max_id))


class Unseen(Endpoint):
    """How much of my News is new."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return the number, UNSEEN_MAX at most."""
        return enveloped({"count": unseen_count(call.my_id)})


class Seen(Endpoint):
    """My News, looked at."""

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Note that I have seen it up to and with `max_id`, or all of it; harmless to repeat."""
        see(call.my_id, up_to=call.params.id_cursor("max_id"))
        return enveloped(None)


def _bounds(call: Call) -> dict[str, Any]:
    return {
        "below": call.params.id_cursor("max_id"),
        "count": call.params.count(settings.PAGE_DEFAULT, settings.PAGE_MAX),
    }


def _present_news(news: News) -> dict[str, Any]:
    entry, photo = news.entry, news.photo
    comment = (news.comment.id, news.comment.text) if news.comment else None
    if entry.kind == Kind.MENTION and comment is None and photo is not None and photo.caption_id is not None:
        comment = (photo.caption_id, photo.caption)  # a caption is shaped like a comment
    return {
        "id": str(entry.id),
        "type": entry.kind,
        "created_time": str(entry.at),
        "seen": news.seen,
        **_present_objects(news.actor, photo, comment, None),
    }


def _present_deed(deed: Deed) -> dict[str, Any]:
    comment = (deed.comment.id, deed.comment.text) if deed.comment else None
    return {
        "id": str(deed.id),
        "type": deed.kind.value,
        "created_time": str(created_time_of(deed.id)),
        "seen": True,  # nobody counts what is new of others' doings
        **_present_objects(deed.actor, deed.photo, comment, deed.target),
    }


def _present_objects(
    actor: Profile, photo: PhotoBody | None, comment: tuple[int, str] | None, target: Profile | None
) -> dict[str, Any]:
    return {
        "from": present_mini(actor),
        "media": None if photo is None else _present_photo(photo),
        "comment": None if comment is None else {"id": str(comment[0]), "text": comment[1]},
        "user": None if target is None else present_mini(target),
    }


def _present_photo(photo: PhotoBody) -> dict[str, Any]:
    thumbnail = {"url": image_url(photo.image_stem, _THUMBNAIL_PX), "width": _THUMBNAIL_PX, "height": _THUMBNAIL_PX}
    return {"id": f"{photo.id}_{photo.author_id}", "thumbnail": thumbnail}


routes = [
    route("v1/users/self/activity", Activity),
    route("v1/users/self/activity/following", Following),
    route("v1/users/self/activity/unseen", Unseen),
    route("v1/users/self/activity/seen", Seen),
]
