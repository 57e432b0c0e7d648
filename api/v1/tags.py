"""Tags: one, its photos, finding some."""

from typing import Any

from django.conf import settings

from accounts import visibility
from api.pagination import next_page
from api.v1.base import Answer, Call, Endpoint, enveloped, route
from api.v1.present import present_media
from instagram.errors import NotAllowed
from photos.hashtags import tag_named
from photos.queries import is_hidden, media_count_of, tagged_with, tags_beginning
from sharding.ids import MAX_ID

SEARCH_DEFAULT = SEARCH_MAX = 50
_WARNING = "next_max_id and min_id are deprecated for this endpoint; use min_tag_id and max_tag_id instead"


class TagDetail(Endpoint):
    """One tag."""

    def get(self, call: Call, name: str) -> Answer:
        """Return its name and how many photos have it; a tag nobody used has none."""
        tag = _viewable(name)
        return enveloped(_present(tag or name.removeprefix("#").lower(), media_count_of(tag) if tag else 0))


class TagMedia(Endpoint):
    """Photos under a tag."""

    def get(self, call: Call, name: str) -> Answer:
        """Return one page, latest tagging first. Photos that cannot be shown are left out; the cursor counts them."""
        tag = _viewable(name)
        params = call.params
        count = params.count(settings.PAGE_DEFAULT, settings.PAGE_MAX)
        below, above = _cursor(call, "max_tag_id", "max_id"), _cursor(call, "min_tag_id", "min_id")
        found = (
            tagged_with(tag, below=MAX_ID if below is None else below, above=above or 0, count=count + 1) if tag else []
        )
        page = found[:count]
        shown = visibility.public_photos(call.viewer_id, {each.photo_id: each.author_id for each in page})
        media = present_media(shown, call.viewer_id)
        oldest = page[-1].tag_id if len(found) > count else None
        # Who polls with min_tag_id and finds nothing new asks the same again.
        newest = page[0].tag_id if page else above
        return enveloped(media, _pagination(call, oldest, newest))


class TagSearch(Endpoint):
    """Finding tags."""

    def get(self, call: Call) -> Answer:
        """Return tags that begin so, the very tag first, then those with the most photos."""
        prefix = tag_named(call.params.required("q").strip()) or _digits(call.params.required("q"))
        count = call.params.count(SEARCH_DEFAULT, SEARCH_MAX)
        found = tags_beginning(prefix, count=count) if prefix else []
        return enveloped([_present(name, media_count) for name, media_count in found])


def _digits(text: str) -> str | None:
    """Return digits that a tag may begin with, though no tag has digits alone."""
    text = text.strip().removeprefix("#")
    return text if text.isdecimal() and tag_named(f"{text}_") else None


def _viewable(name: str) -> str | None:
    """Return the tag of a path, None for a name that no tag can have. Raises NotAllowed for a hidden one."""
    tag = tag_named(name)
    if tag and is_hidden(tag):
        raise NotAllowed("This tag cannot be viewed")
    return tag


def _cursor(call: Call, name: str, old_name: str) -> int | None:
    cursor = call.params.id_cursor(name)
    return call.params.id_cursor(old_name) if cursor is None else cursor


def _pagination(call: Call, oldest: int | None, newest: int | None) -> dict[str, Any]:
    """Return tags' own pagination: newest also on the last page, for polling; everything twice, for old clients."""
    extra: dict[str, str] = {}
    if oldest is not None:
        extra["next_max_id"] = str(oldest)
    if newest is not None:
        extra |= {"min_tag_id": str(newest), "next_min_id": str(newest), "deprecation_warning": _WARNING}
    return next_page(call, "max_tag_id", oldest, **extra)


def _present(name: str, media_count: int) -> dict[str, Any]:
    return {"name": name, "media_count": media_count}


routes = [
    route("v1/tags/search", TagSearch),
    route("v1/tags/<name>", TagDetail),
    route("v1/tags/<name>/media/recent", TagMedia),
]
