"""Facebook as the stand-in has it: pages, their photos and feeds, OAuth 2.0. A token is its page's own."""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

from django.conf import settings

from . import consent
from .messages import Answer, Refusal, Request, as_json, jpeg_of
from .state import State, Token

HOSTS = ("graph.facebook.com", "www.facebook.com")


def answer(request: Request, state: State, take: Callable[..., int]) -> Answer:
    """Answer one request."""
    path = re.sub(r"^/v\d+\.\d+", "", request.path)
    if request.host == "www.facebook.com":
        if path != "/dialog/oauth" or "pages_manage_posts" not in request.query.get("scope", ""):
            return Answer(400, b"Invalid scope or address.", "text/plain")
        return consent.authorize_2("facebook", request, state)
    match request.method, path:
        case "POST", "/oauth/access_token":
            token = consent.access_token_2("facebook", request, state)
            if token is None:
                return _error(400, 100, "This authorization code has been used.")
            return as_json(200, {"access_token": token.token, "token_type": "bearer"})
        case "GET", "/me/accounts":
            token = _page(request, state)
            return as_json(200, {"data": [{"id": "1", "name": token.account, "access_token": token.token}]})
        case "POST", "/me/photos":
            return _photo(request, state, take)
        case "POST", "/me/feed":
            return _link(request, state, take)
        case "GET", "/me/feed":
            return _feed(request, state)
    return _error(400, 2500, "Unknown path components")


def _photo(request: Request, state: State, take: Callable[..., int]) -> Answer:
    token = _page(request, state)
    picture = jpeg_of(request, "source")
    if picture is None:
        return _error(400, 324, "Requires upload file")
    text, alt = request.form["message"], request.form.get("alt_text_custom", "")
    links = re.findall(r"https?://\S+", text)
    record = {"text": text, "links": links, "image_bytes": len(picture.body), "alt": alt}
    post_id = take("facebook", token.account, record)
    return as_json(200, {"id": f"9{post_id}", "post_id": f"1_{post_id}"})


def _link(request: Request, state: State, take: Callable[..., int]) -> Answer:
    token = _page(request, state)
    record = {"text": request.form["message"], "links": [request.form["link"]], "image_bytes": 0, "alt": ""}
    return as_json(200, {"id": f"1_{take('facebook', token.account, record)}"})


def _feed(request: Request, state: State) -> Answer:
    token = _page(request, state)
    posts = state.posts("facebook", token.account)[: int(request.query["limit"])]
    return as_json(200, {"data": [_as_told(post) for post in posts]})


def _as_told(post: dict[str, Any]) -> dict[str, Any]:
    told = {
        "id": f"1_{post['id']}",
        "message": post["text"],
        "permalink_url": f"https://www.facebook.com/1_{post['id']}",
    }
    return told | {"attachments": {"data": [{"unshimmed_url": link} for link in post["links"]]}}


def _page(request: Request, state: State) -> Token:
    """Return the page whose token came, with the proof that we sent it."""
    asked = request.query if request.method == "GET" else request.form
    token = state.token("facebook", asked.get("access_token", ""))
    if token is None or token.kind != "access" or token.revoked:
        raise Refusal(_error(400, 190, "Error validating access token: the user has not authorized application 1."))
    secret = settings.SERVICE_KEYS["facebook"][1].encode()
    if asked.get("appsecret_proof") != hmac.new(secret, token.token.encode(), hashlib.sha256).hexdigest():
        raise Refusal(_error(400, 100, "Invalid appsecret_proof provided in the API argument"))
    return token


def _error(status: int, code: int, message: str) -> Answer:
    return as_json(status, {"error": {"message": message, "type": "OAuthException", "code": code}})
