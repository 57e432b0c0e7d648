"""Parameters of a request as old clients send them, and the values they stand for.

Query and body are one set and the body wins; a POST without a Content-Type is urlencoded. Every reader here answers
a value or raises InvalidParameters naming the parameter, so that bad input never reaches a service.
"""

import math
import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple, overload

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError

from instagram.errors import InvalidParameters, NotFound, TooLarge
from switches.guards import page_size

#: Largest id PostgreSQL's bigint holds; a longer number names nothing.
BIGINT_MAX = 2**63 - 1
#: Radius of a search around a point, metres.
DISTANCE_DEFAULT_M, DISTANCE_MAX_M = 1_000.0, 5_000.0
#: Bodies read as urlencoded. Some servers put text/plain where the client sent no Content-Type.
FORM_TYPES = {"", "text/plain", "application/x-www-form-urlencoded"}
_DIGITS = re.compile(r"[0-9]{1,19}")
_SIGNED = re.compile(r"-?[0-9]{1,18}")


_SURROGATES = re.compile("[\ud800-\udfff]")


class MediaId(NamedTuple):
    """A media id as a client wrote it: `{photo_id}_{user_id}`, or the bare photo id of 2011 (user_id None)."""

    photo_id: int
    user_id: int | None


class Params:
    """The merged parameters of one request; of a repeated one the last value counts."""

    __slots__ = ("_values", "files")

    def __init__(self, values: dict[str, str], files: dict[str, UploadedFile] | None = None) -> None:
        self._values = values
        self.files = files or {}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, name: str, default: str = "") -> str:
        """Return the text as sent."""
        return self._values.get(name, default)

    def optional(self, name: str) -> str | None:
        """Return the text as sent, None when the parameter is missing: for changes of some fields only."""
        return self._values.get(name)

    def required(self, name: str) -> str:
        """Return the text as sent; missing or blank is an error."""
        value = self._values.get(name, "")
        if not value.strip():
            raise InvalidParameters(f"{name}: this parameter is required")
        return value

    @overload
    def integer(self, name: str, default: int, *, low: int = ..., high: int = ...) -> int: ...
    @overload
    def integer(self, name: str, default: None = ..., *, low: int = ..., high: int = ...) -> int | None: ...
    def integer(
        self, name: str, default: int | None = None, *, low: int = -BIGINT_MAX, high: int = BIGINT_MAX
    ) -> int | None:
        """Return a whole number from low to high; missing or empty is the default."""
        value = self._values.get(name, "").strip()
        if not value:
            return default
        if not _SIGNED.fullmatch(value) or not low <= int(value) <= high:
            raise InvalidParameters(f"{name}: not a valid whole number")
        return int(value)

    def number(self, name: str, *, low: float, high: float) -> float | None:
        """Return a finite number from low to high, None when missing or empty."""
        value = self._values.get(name, "").strip()
        if not value:
            return None
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:  # false for nan too
            within = "" if math.isinf(low) else f" from {low:g} to {high:g}"
            raise InvalidParameters(f"{name}: not a number{within}")
        # Smaller than any place or amount means nothing, and PostgreSQL's arithmetic refuses what it cannot square.
        return number if abs(number) > 1e-12 else 0.0

    def position(self) -> tuple[float, float] | None:
        """Return (lat, lng), None when neither came; one without the other is an error."""
        latitude = self.number("lat", low=-90, high=90)
        longitude = self.number("lng", low=-180, high=180)
        if latitude is None and longitude is None:
            return None
        if latitude is None or longitude is None:
            missing = "lat" if latitude is None else "lng"
            raise InvalidParameters(f"{missing}: lat and lng come together")
        return latitude, longitude

    def circle(self) -> tuple[float, float, float]:
        """Return (lat, lng, distance in metres): both required; `distance` is 1,000 by default and 5,000 at most."""
        position = self.position()
        if position is None:
            raise InvalidParameters("lat: lat and lng are required")
        # Anything over the limit is the limit, however large.
        distance = self.number("distance", low=-math.inf, high=math.inf)
        if distance is None or distance <= 0:
            distance = DISTANCE_DEFAULT_M
        return *position, min(distance, DISTANCE_MAX_M)

    @overload
    def flag(self, name: str, default: bool) -> bool: ...
    @overload
    def flag(self, name: str, default: None = ...) -> bool | None: ...
    def flag(self, name: str, default: bool | None = None) -> bool | None:
        """Return 0/1 (or false/true) as a bool; missing or empty is the default."""
        value = self._values.get(name, "").strip().lower()
        if not value:
            return default
        if value in ("1", "true"):
            return True
        if value in ("0", "false"):
            return False
        raise InvalidParameters(f"{name}: must be 0 or 1")

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str:
        """Return one of `choices`, whatever the case it was sent in; without a default it is required."""
        value = self._values.get(name, "").strip().lower()
        if not value and default is not None:
            return default
        if value not in choices:
            raise InvalidParameters(f"{name}: must be one of {', '.join(sorted(choices))}")
        return value

    def count(self, default: int, cap: int) -> int:
        """Return the page size: above the cap it is the cap, missing or unusable it is the default.

        Both are lower while pages are short (the switch short_feeds).
        """
        default, cap = page_size(default), page_size(cap)
        value = self._values.get("count", "").strip()
        # Nine digits are far above any cap; longer ones need not be converted.
        if not re.fullmatch(r"[0-9]+", value) or not value.lstrip("0"):
            return default
        return min(int(value.lstrip("0")[:9]), cap)

    def photo_cursor(self, name: str) -> int | None:
        """Return the photo id of a cursor such as max_id, bare or canonical; None when missing or empty."""
        value = self._values.get(name, "").strip()
        if not value:
            return None
        media_id = _media_id(value)
        if media_id is None:
            raise InvalidParameters(f"{name}: not a media id")
        return media_id.photo_id

    def id_cursor(self, name: str) -> int | None:
        """Return an opaque numeric cursor (cursor, max_like_id, max_tag_id); None when missing or empty."""
        value = self._values.get(name, "").strip()
        if not value:
            return None
        number = _id(value)
        if number is None:
            raise InvalidParameters(f"{name}: not a cursor of this list")
        return number

    def epoch(self, name: str) -> int | None:
        """Return epoch seconds; None when missing or empty."""
        # Year 9999: beyond it a timestamp fits no date.
        return self.integer(name, low=0, high=253_402_300_799)


def media_id_of(text: str) -> MediaId:
    """Read a media id out of a path: canonical or bare. The caller checks the owner of a canonical one."""
    media_id = _media_id(text)
    if media_id is None:
        raise NotFound(what="media")
    return media_id


def object_id_of(text: str, what: str) -> int:
    """Read another numeric id out of a path; `what` is the word of the error: "comment", "location", "user"."""
    number = _id(text)
    if number is None:
        raise NotFound(what=what)
    return number


def _id(text: str) -> int | None:
    if not _DIGITS.fullmatch(text):  # int() alone would take "1_0", " 1" and digits of other scripts
        return None
    number = int(text)
    return number if number <= BIGINT_MAX else None


def _media_id(text: str) -> MediaId | None:
    photo, underscore, user = text.partition("_")
    photo_id, user_id = _id(photo), _id(user)
    if photo_id is None or (underscore and user_id is None):
        return None
    return MediaId(photo_id, user_id)


def read_parameters(request: HttpRequest) -> tuple[dict[str, str], dict[str, UploadedFile]]:
    """Return the merged parameters and the files of a request, or raise InvalidParameters or TooLarge."""
    files: dict[str, Any] = {}
    try:
        merged: dict[str, Any] = request.GET.dict()
        if request.method == "POST":
            merged |= read_body(request).dict()
            if request.content_type == "multipart/form-data":
                files = dict(request.FILES.items())
    except RequestDataTooBig as error:
        raise TooLarge("the request is too large") from error
    except UnreadablePostError as error:  # its connection was cut
        for handler in request.upload_handlers:
            handler.upload_interrupted()  # else its temporary file stays until the garbage collector comes by
        raise InvalidParameters("the body of the request cannot be read") from error
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise InvalidParameters("the body of the request cannot be read") from error
    for name, value in merged.items():
        # No text of ours holds a NUL, and PostgreSQL refuses it; a lone surrogate is no text at all.
        if "\x00" in value or "\x00" in name or _SURROGATES.search(value) or _SURROGATES.search(name):
            shown = "".join(c for c in name[:40] if c.isprintable()) or "a parameter"
            raise InvalidParameters(f"{shown}: contains a null character or half of a pair of surrogates")
    return merged, files


def read_body(request: HttpRequest) -> QueryDict:
    """Return the form in the body of a request."""
    if request.content_type == "multipart/form-data":
        return request.POST
    if request.content_type in FORM_TYPES:
        return QueryDict(request.body, encoding="utf-8")
    return QueryDict()
