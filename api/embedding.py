"""What other sites put photos in with: /oembed and /p/{code}/media/. No credential; public photos alone."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts import visibility
from accounts.queries import profiles
from api.envelope import CALLBACK, Answer, refusal, rendered
from instagram.errors import InvalidParameters, NotFound, Unavailable
from photos.queries import PhotoBody, body_of
from photos.storage import image_url
from sharding.ids import id_of_shortcode

#: Sides by the letter of /media/?size=.
SIZES = {"t": 150, "m": 306, "l": 612}
#: Hosts whose photo pages are ours, beside WEB_BASE_URL's: links of the time were written with these.
HOSTS = {"instagr.am", "www.instagr.am", "instagram.com", "www.instagram.com"}
_PHOTO_PATH = re.compile(r"/p/([A-Za-z0-9_-]{1,11})/?\Z")


@require_safe
def oembed(request: HttpRequest) -> HttpResponse:
    """Describe the photo of a page's address; 404 in plain text for another address, and for no public photo."""
    callback = request.GET.get("callback", "")
    if callback and not CALLBACK.fullmatch(callback):
        return rendered(refusal(InvalidParameters("callback: not a function name"), flat=True))
    code = _code_of(request.GET.get("url", ""))
    if code is None:
        return _not_found("No URL Match")
    photo = public_photo(code)
    if photo is None:
        return _not_found("No Media Match")
    author = profiles([photo.author_id])[photo.author_id]
    side = _largest_within(_side(request, "maxwidth"), _side(request, "maxheight"))
    facts: dict[str, Any] = {
        "version": "1.0",
        "type": "photo",
        "provider_name": "Instagram",
        "provider_url": f"{settings.WEB_BASE_URL}/",
        "title": photo.caption,
        "author_name": author.username,
        "author_url": f"{settings.WEB_BASE_URL}/{author.username}",
        "author_id": author.id,
        "media_id": f"{photo.id}_{author.id}",
        "url": image_url(photo.image_stem, side),
        "width": side,
        "height": side,
    }
    return rendered(Answer(facts), callback)


@require_safe
def media(request: HttpRequest, code: str) -> HttpResponse:
    """Redirect to the JPEG of a public photo: size t, m (default) or l."""
    side = SIZES.get(request.GET.get("size", "m") or "m")
    photo = public_photo(code) if side else None
    if photo is None or side is None:
        return _not_found("No Media Match")
    response = HttpResponse(status=302)
    response["Location"] = image_url(photo.image_stem, side)
    # The photo may be gone, or private, tomorrow.
    response["Cache-Control"] = "public, max-age=300"
    return response


def public_photo(code: str) -> PhotoBody | None:
    """Return the photo of a short code if everybody may see it. Raises Unavailable while its server is down."""
    try:
        photo = body_of(id_of_shortcode(code))
    except (ValueError, NotFound):
        return None
    return photo if visibility.may_see(None, photo.author_id) else None


def _code_of(address: str) -> str | None:
    try:
        parts = urlsplit(address.strip())
        host = (parts.hostname or "").lower()
        ours = parts.netloc.lower() == urlsplit(settings.WEB_BASE_URL).netloc.lower()
    except ValueError:
        return None
    found = _PHOTO_PATH.match(parts.path) if parts.scheme in ("http", "https") and (ours or host in HOSTS) else None
    return found.group(1) if found else None


def _side(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text[:9]) if re.fullmatch(r"[0-9]+", text) else None


def _largest_within(width: int | None, height: int | None) -> int:
    fitting = [side for side in SIZES.values() if side <= min(width or side, height or side)]
    return max(fitting, default=min(SIZES.values()))


def _not_found(words: str) -> HttpResponse:
    return HttpResponse(words, status=404, content_type="text/plain; charset=utf-8")


def _while_available(view: Any) -> Any:
    """Answer 503 in plain text while the photo's server is down."""

    def answered(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Unavailable:
            return HttpResponse("please try again", status=503, content_type="text/plain; charset=utf-8")

    # Nothing is written here: another verb is told that it is the wrong one, not that it lacks a form's secret.
    return csrf_exempt(answered)


urlpatterns = [
    re_path(r"^oembed(?:\.json)?/?\Z", _while_available(oembed)),
    re_path(r"^p/(?P<code>[^/]+)/media/?\Z", _while_available(media)),
]
