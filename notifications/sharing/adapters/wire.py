"""Requests to the services: bounded in time and size, straight there, never anywhere else.

With SOCIAL_STAND_IN set, an address keeps its host as the first part of its path: `https://api.tumblr.com/v2/x` goes to
`http://127.0.0.1:17950/api.tumblr.com/v2/x`. OAuth 1 signs the address as it is sent.
"""

import email.utils
import io
import time
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.utils import timezone

from instagram import tracing

from .faults import Later

#: Bytes of an answer that are read: the longest is a list of 20 posts.
ANSWER_MAX_BYTES = 1_000_000
#: A request may take this many times the wait for its next bytes, whatever drips in.
WHOLE_REQUEST = 2
#: The longest that a service can have us wait, seconds: an hour, as a window of limits lasts a quarter of one.
LONGEST_WISH_S = 3_600.0


class Session(requests.Session):
    """A session of `requests` with our bounds; tweepy takes it, too."""

    def __init__(self) -> None:
        super().__init__()
        # Neither a proxy nor a .netrc of the machine has a say in where credentials go.
        self.trust_env = False

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]  # ours bounds them all
        """Make one request, to the stand-in if there is one, and read its answer. Follows no redirect."""
        options |= {"timeout": settings.SHARE_TIMEOUT_S, "allow_redirects": False, "stream": True}
        ends = time.monotonic() + WHOLE_REQUEST * settings.SHARE_TIMEOUT_S
        where = urlsplit(url).hostname or ""
        with tracing.timed("http", where), super().request(method, address(url), **options) as response:
            body = io.BytesIO()
            for part in response.raw.stream(16_384, decode_content=True):
                body.write(part)
                if body.tell() > ANSWER_MAX_BYTES or time.monotonic() > ends:
                    raise requests.exceptions.ReadTimeout("the answer does not end")
        # Where `requests` takes the content from: it is all there now.
        body.seek(0)
        response.raw = body
        return response


def address(url: str) -> str:
    """Return where a service's address leads in this installation."""
    if not settings.SOCIAL_STAND_IN:
        return url
    return f"{settings.SOCIAL_STAND_IN}/{url.removeprefix('https://')}"


def send(method: str, url: str, **options: Any) -> requests.Response:
    """Make one request and return the answer, whatever its status. Raises Later when there is none."""
    try:
        with Session() as session:
            return session.request(method, url, **options)
    except requests.RequestException as error:
        raise unanswered(error) from error


def unanswered(error: requests.RequestException) -> Later:
    """Return what no answer means: it may have been done all the same, unless nobody took the connection."""
    untouched = isinstance(error, requests.exceptions.ConnectTimeout)
    return Later("did not answer", untouched=untouched)


def wished_wait(response: requests.Response) -> float | None:
    """Return how many seconds a service wants to be left alone: Retry-After, or X's moment of a new window."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdigit():
        seconds = float(said)
    elif said:
        try:
            seconds = (email.utils.parsedate_to_datetime(said) - timezone.now()).total_seconds()
        except (ValueError, TypeError):
            return None
    elif (reset := response.headers.get("x-rate-limit-reset", "")).isdigit():
        seconds = int(reset) - time.time()
    else:
        return None
    return min(max(seconds, 1.0), LONGEST_WISH_S)


def json_of(response: requests.Response) -> Any:
    """Return an answer's JSON; an empty object for what is none."""
    try:
        return response.json()
    except ValueError:
        return {}


def dig(thing: Any, *path: str | int) -> Any:
    """Return what lies in nested answers, None where the way ends: no service promises its shape forever."""
    for step in path:
        try:
            thing = thing[step]
        except (KeyError, IndexError, TypeError):
            return None
    return thing


def sentence(said: Any, status: int) -> str:
    """Return a service's own words as a person may read them: one line, bounded."""
    words = " ".join("".join(c if c.isprintable() else " " for c in str(said or "")).split())
    return words[:200] or f"answered with HTTP status {status}"
