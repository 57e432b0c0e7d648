"""The front page: what is popular now, and where to go from here."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from feeds.popular import popular_for
from instagram.errors import Unavailable
from photos.queries import bodies
from photos.storage import image_url
from sharding.ids import shortcode_of

from .pages import page, signed_in

#: Photos in the grid: rows of three on a phone, of five on a wider screen.
SHOWN = 30


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Show the grid; whatever cannot be read now is left out."""
    me = signed_in(request)
    try:
        shown = popular_for(me.pk if me else None)[:SHOWN]
    except Unavailable:
        shown = []
    found = bodies(shown)
    photos = [
        {
            "code": shortcode_of(each),
            "image": image_url(found[each].image_stem, 306),
            "caption": found[each].caption,
        }
        for each in shown
        if each in found
    ]
    return page(request, "front", {"title": "Popular", "photos": photos})
