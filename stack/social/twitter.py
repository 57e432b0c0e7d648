"""X as the stand-in has it: API v2's posts, uploads and time lines, OAuth 1.0a."""

import re
from collections.abc import Callable
from typing import Any

from . import consent, signatures
from .messages import Answer, Refusal, Request, as_json, jpeg_of
from .state import State, Token

HOSTS = ("api.twitter.com", "api.x.com")
TEXT_MAX = 280
_LINK = re.compile(r"https?://\S+")


def answer(request: Request, state: State, take: Callable[..., int]) -> Answer:
    """Answer one request."""
    match request.method, request.path:
        case "POST", "/oauth/request_token":
            return consent.request_token("twitter", request, state)
        case _, "/oauth/authorize":
            return consent.authorize_1("twitter", request, state)
        case "POST", "/oauth/access_token":
            return consent.access_token_1("twitter", request, state, user_id="1", screen_name="{account}")
        case "POST", "/2/media/upload":
            return _upload(request, state)
        case "POST", "/2/media/metadata":
            return _describe(request, state)
        case "POST", "/2/tweets":
            return _post(request, state, take)
        case "GET", path if re.fullmatch(r"/2/users/[^/]+/tweets", path):
            return _time_line(request, state)
    return _problem(404, "Not Found")


def _upload(request: Request, state: State) -> Answer:
    _person(request, state)
    picture = jpeg_of(request, "media")
    if picture is None or request.form.get("media_category") != "tweet_image":
        raise Refusal(_problem(400, "media or media_category is not as it should be"))
    return as_json(200, {"data": {"id": str(state.keep_media(len(picture.body))), "expires_after_secs": 86_400}})


def _describe(request: Request, state: State) -> Answer:
    _person(request, state)
    alt = request.json["metadata"]["alt_text"]["text"]
    if len(alt) > 1_000 or not state.describe_media(int(request.json["id"]), alt):
        raise Refusal(_problem(400, "no such media, or its text is too long"))
    return as_json(200, {"data": {"id": request.json["id"]}})


def _post(request: Request, state: State, take: Callable[..., int]) -> Answer:
    token = _person(request, state)
    text, media = request.json["text"], request.json.get("media")
    if _weight(text) > TEXT_MAX:
        raise Refusal(_problem(400, "Your Tweet text is too long."))
    if any(post["text"] == text for post in state.posts("twitter", token.account)):
        raise Refusal(_problem(403, "You are not allowed to create a Tweet with duplicate content."))
    record: dict[str, Any] = {"text": text, "links": _LINK.findall(text), "image_bytes": 0, "alt": ""}
    if media is not None:
        (media_id,) = media["media_ids"]
        picture = state.media(int(media_id))
        if picture is None:
            raise Refusal(_problem(400, "Your media IDs are invalid."))
        record |= picture
    post_id = take("twitter", token.account, record)
    return as_json(201, {"data": {"id": str(post_id), "text": text}})


def _time_line(request: Request, state: State) -> Answer:
    token = _person(request, state)
    posts = state.posts("twitter", token.account)[: int(request.query["max_results"])]
    tweets = [
        {
            "id": str(post["id"]),
            "edit_history_tweet_ids": [str(post["id"])],
            # The real one puts links of its own there.
            "text": _LINK.sub("https://t.co/x", post["text"]),
            "entities": {"urls": [{"url": "https://t.co/x", "expanded_url": link} for link in post["links"]]},
        }
        for post in posts
    ]
    return as_json(200, ({"data": tweets} if tweets else {}) | {"meta": {"result_count": len(tweets)}})


def _person(request: Request, state: State) -> Token:
    try:
        return signatures.person("twitter", state, request)[0]
    except signatures.BadSignature as error:
        raise Refusal(_problem(401, "Unauthorized", str(error))) from error


def _weight(text: str) -> int:
    """Return what a text weighs: links 23, and twice for what is beyond Latin and its neighbours."""
    rest = _LINK.sub("", text)
    return 23 * len(_LINK.findall(text)) + sum(1 if ord(c) <= 4351 or 8192 <= ord(c) <= 8247 else 2 for c in rest)


def _problem(status: int, detail: str, why: str = "") -> Answer:
    told = {"title": detail, "detail": detail, "type": "about:blank", "status": status}
    return as_json(status, told | ({"why": why} if why else {}))
