"""One photo's way, walked from outside: posted through the real front, waited for in the readers' feeds, fetched from
the CDN edge. What does not come in time is a stall, named by its stage.

upload: the front does not take it. job: its fan-out is still in the outbox (no worker, no gearmand, no relay).
feed: the job is done, or the outbox cannot be read, and a reader's feed does not show it. image: the edge does not
give it.
"""

import colorsys
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyvips
import requests
from django.conf import settings
from django.db import connections

from jobs import outbox
from sharding import ShardUnavailable
from switches.state import read_only_of

from .bots import Bot, Pair
from .results import Flight

log = logging.getLogger(__name__)

Done = TypeVar("Done")

_FAN_OUT = ("feeds.fan_out", "feeds.fan_out_large")
FEED = "/v1/users/self/feed"
#: Seconds between the first two looks; the pause grows by half each time, to a second: a stall is no load.
FIRST_LOOK_S, LOOK_GROWS, LONGEST_LOOK_S = 0.1, 1.5, 1.0
#: Side of the picture, pixels; canary photos that stay, the last, for people to look at.
SIDE, KEPT = 320, 1


class StalledError(Exception):
    """It stands still; the sentence says what was seen."""

    def __init__(self, stage: str, what: str) -> None:
        super().__init__(what)
        self.stage = stage


def fly(pairs: list[Pair]) -> list[Flight]:
    """Fly one photo of each server, side by side. Seconds: CANARY_*_S in all at most. Never raises for a stall."""
    with ThreadPoolExecutor(max_workers=min(len(pairs), 16) or 1, thread_name_prefix="canary") as pool:
        return list(pool.map(_fly_one, pairs))


def a_picture() -> bytes:
    """Return a small JPEG of a plain gradient, of another colour each time."""
    x = pyvips.Image.xyz(SIDE, SIDE)
    red, green, blue = (256 * part for part in colorsys.hsv_to_rgb(time.time() / 3600 % 1, 0.5, 0.9))
    light = (x[0] + x[1]) / (2 * SIDE)
    bands = (light * red).bandjoin([light * green, light * blue])
    return bytes(bands.cast("uchar").copy(interpretation="srgb").jpegsave_buffer(Q=75))


def _fly_one(pair: Pair) -> Flight:
    flight = Flight(pair.server.name)
    switched = read_only_of(pair.server)
    if switched is not None:
        flight.paused = f"read-only: {switched.reason}"
        return flight
    try:
        began = time.monotonic()
        photo_id = _timed(flight, "upload", lambda: _upload(pair.author))
        address = _wait_for_feeds(pair, photo_id, flight)
        flight.post_to_feed_s = round(time.monotonic() - began, 3)
        _timed(flight, "image", lambda: _fetch(address))
        flight.ok = True
        _tidy(pair.author)
    except StalledError as stalled:
        flight.stage, flight.error = stalled.stage, str(stalled)
    finally:
        connections.close_all()  # this thread's
    return flight


def _timed(flight: Flight, stage: str, run: Callable[[], Done]) -> Done:
    began = time.monotonic()
    try:
        return run()
    finally:
        flight.seconds[stage] = round(time.monotonic() - began, 3)


def _upload(author: Bot) -> int:
    files = {"photo": ("canary.jpg", a_picture(), "image/jpeg")}
    answer = _asked("upload", "POST", "/v1/media", author, timeout=settings.CANARY_UPLOAD_S, files=files)
    return int(answer["data"]["id"].partition("_")[0])


def _wait_for_feeds(pair: Pair, photo_id: int, flight: Flight) -> str:
    """Return the picture's address as soon as all readers' feeds show the photo."""
    began, pause = time.monotonic(), FIRST_LOOK_S
    missing, address = dict(pair.readers), ""
    while True:
        if "job" not in flight.seconds and not _job_is_left(pair, photo_id):
            flight.seconds["job"] = round(time.monotonic() - began, 3)
        seen = "it is not there"
        for server, reader in list(missing.items()):
            try:
                address = _in_feed(reader, photo_id)
            except StalledError as stalled:
                address, seen = "", str(stalled)
            if address:
                del missing[server]
        waited = round(time.monotonic() - began, 3)
        if not missing:
            flight.seconds.setdefault("job", waited)
            flight.seconds["feed"] = waited
            return address
        if waited > settings.CANARY_FEED_S:
            break
        time.sleep(pause)
        pause = min(pause * LOOK_GROWS, LONGEST_LOOK_S)
    if "job" not in flight.seconds:
        flight.seconds["job"] = waited
        raise StalledError("job", f"after {waited:.0f} s the fan-out to {', '.join(missing)} has not run")
    flight.seconds["feed"] = waited
    raise StalledError("feed", f"after {waited:.0f} s a feed on {', '.join(missing)} lacks it: {seen}")


def _job_is_left(pair: Pair, photo_id: int) -> bool:
    """Return whether a job of the photo's fan-out waits or runs. Cost: reads the server's waiting fan-outs."""
    try:
        return bool(outbox.jobs_with(pair.server, tasks=_FAN_OUT, argument="photo_id", value=photo_id))
    except ShardUnavailable:
        return False


def _in_feed(reader: Bot, photo_id: int) -> str:
    """Return the address of the photo's thumbnail in a reader's feed, empty when it is not there."""
    page = _asked("feed", "GET", FEED, reader, timeout=settings.CANARY_READ_S)
    for media in page["data"]:
        if media["id"].startswith(f"{photo_id}_"):
            return str(media["images"]["thumbnail"]["url"])
    return ""


def _fetch(address: str) -> None:
    answer = _sent("image", "GET", address, timeout=settings.CANARY_READ_S)
    kind = answer.headers.get("Content-Type", "")
    if answer.status_code != 200 or not kind.startswith("image/") or not answer.content.startswith(b"\xff\xd8"):
        raise StalledError("image", f"the edge answers {answer.status_code} and {len(answer.content)} bytes of {kind}")


def _tidy(author: Bot) -> None:
    """Delete the author's older photos; what fails is tried a minute later."""
    try:
        page = _asked("upload", "GET", "/v1/users/self/media/recent", author, timeout=settings.CANARY_READ_S)
        for media in page["data"][KEPT:]:
            _asked("upload", "DELETE", f"/v1/media/{media['id']}", author, timeout=settings.CANARY_READ_S)
    except StalledError as stalled:
        log.warning("older canary photos of %s stay for now: %s", author.username, stalled)


def _asked(stage: str, verb: str, path: str, bot: Bot, **how: Any) -> dict[str, Any]:
    """Return the body of an answer of the API that is well."""
    # A host is spoken to by its address, and takes requests of the site's name alone.
    headers = {"Host": urlsplit(settings.WEB_BASE_URL).netloc} if bot.at else {}
    origin = bot.at or settings.WEB_BASE_URL
    answer = _sent(stage, verb, origin + path, params={"access_token": bot.token}, headers=headers, **how)
    try:
        body = answer.json()
        if answer.status_code == 200 and body["meta"]["code"] == 200:
            return dict(body)
        said = body["meta"]["error_message"]
    except (ValueError, KeyError, TypeError):
        said = "no envelope"
    raise StalledError(stage, f"the API answers {answer.status_code}: {said}")


def _sent(stage: str, verb: str, address: str, *, timeout: float, **how: Any) -> requests.Response:
    try:
        with requests.Session() as session:
            session.trust_env = False  # the way people take, not that of a proxy of this host
            return session.request(verb, address, timeout=timeout, **how)
    except requests.Timeout:
        raise StalledError(stage, f"no answer in {timeout:g} s") from None
    except requests.RequestException as error:
        raise StalledError(stage, f"no connection ({type(error).__name__})") from None
