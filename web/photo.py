"""The page of one photo, where links to it lead."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts import visibility
from accounts.queries import profiles
from instagram.errors import APIError, Unavailable
from photos.queries import body_of, comments_of, counts_of
from photos.storage import image_url
from sharding.ids import created_at_of, id_of_shortcode

from .pages import missing, page, signed_in

#: Comments on the page: the latest.
COMMENTS_SHOWN = 50


@require_safe
def photo(request: HttpRequest, code: str) -> HttpResponse:
    """Show a photo to whom its owner lets see it; everybody else is told there is no such page."""
    me = signed_in(request)
    viewer_id = me.pk if me else None
    try:
        body = body_of(id_of_shortcode(code))
        visibility.require_may_see(viewer_id, body.author_id)
        comments = comments_of(body.id)[-COMMENTS_SHOWN:]
        likes = counts_of([body.id]).get(body.id, (0, 0))[0]
    except Unavailable:
        facts = {"title": "Please try again", "text": "This photo cannot be reached for the moment."}
        return page(request, "problem", facts, status=503)
    except (ValueError, APIError):
        return missing(request)
    people = visibility.listed(viewer_id, {comment.author_id for comment in comments})
    author = profiles([body.author_id])[body.author_id]
    shown: dict[str, Any] = {
        "title": f"{author.username}’s photo",
        "author": author,
        "caption": body.caption,
        "place": body.location_name,
        "posted_at": created_at_of(body.id),
        "image": image_url(body.image_stem, 612),
        "large": image_url(body.image_stem, 1080),
        "likes": likes,
        "comments": [(people[each.author_id], each.text) for each in comments if each.author_id in people],
    }
    return page(request, "photo", shown)
