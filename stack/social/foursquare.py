"""Foursquare as the stand-in has it: check-ins and their photos, OAuth 2.0."""

import re
from collections.abc import Callable
from typing import Any

from . import consent
from .messages import Answer, Refusal, Request, as_json, jpeg_of
from .state import State, Token

HOSTS = ("api.foursquare.com", "foursquare.com")


def answer(request: Request, state: State, take: Callable[..., int]) -> Answer:
    """Answer one request."""
    match request.method, request.host, request.path:
        case _, "foursquare.com", "/oauth2/authenticate":
            return consent.authorize_2("foursquare", request, state)
        case "POST", "foursquare.com", "/oauth2/access_token":
            token = consent.access_token_2("foursquare", request, state)
            return (
                as_json(400, {"error": "invalid_grant"})
                if token is None
                else as_json(200, {"access_token": token.token})
            )
        case "GET", "api.foursquare.com", "/v2/users/self":
            token = _person(request, state)
            return _well({"user": {"id": "1", "firstName": token.account}})
        case "GET", "api.foursquare.com", "/v2/users/self/checkins":
            return _checkins(request, state)
        case "POST", "api.foursquare.com", "/v2/checkins/add":
            return _check_in(request, state, take)
        case "POST", "api.foursquare.com", "/v2/photos/add":
            return _add_photo(request, state)
    return _fault(404, "endpoint_error", "Endpoint not found.")


def _check_in(request: Request, state: State, take: Callable[..., int]) -> Answer:
    token, asked = _person(request, state), request.form
    if not asked.get("venueId") or len(asked.get("shout", "")) > 140:
        return _fault(400, "param_error", "Must provide a valid venueId and a shout of at most 140 characters.")
    record: dict[str, Any] = {"text": asked["shout"], "links": re.findall(r"https?://\S+", asked["shout"])}
    record |= {"venue": asked["venueId"], "ll": asked.get("ll", ""), "image_bytes": 0, "alt": ""}
    post_id = take("foursquare", token.account, record)
    return _well({"checkin": _as_told({"id": post_id} | record)})


def _add_photo(request: Request, state: State) -> Answer:
    token, picture = _person(request, state), jpeg_of(request, "photo")
    mine = {str(post["id"]): post for post in state.posts("foursquare", token.account)}
    checkin = mine.get(request.form.get("checkinId", ""))
    if picture is None or checkin is None:
        return _fault(400, "param_error", "Must provide a photo and one of one's own check-ins.")
    state.change_post(checkin["id"], image_bytes=len(picture.body))
    return _well({"photo": {"id": f"p{checkin['id']}"}})


def _checkins(request: Request, state: State) -> Answer:
    token = _person(request, state)
    items = [_as_told(post) for post in state.posts("foursquare", token.account)[: int(request.query["limit"])]]
    return _well({"checkins": {"count": len(items), "items": items}})


def _as_told(post: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(post["id"]),
        "shout": post["text"],
        "checkinShortUrl": f"https://4sq.com/{post['id']}",
        "photos": {"count": int(post["image_bytes"] > 0), "items": []},
    }


def _person(request: Request, state: State) -> Token:
    if not re.fullmatch(r"\d{8}", request.query.get("v", "")):
        raise Refusal(_fault(400, "param_error", "v is missing"))
    token = state.token("foursquare", request.query.get("oauth_token", ""))
    if token is None or token.kind != "access" or token.revoked:
        raise Refusal(_fault(401, "invalid_auth", "OAuth token invalid or revoked."))
    return token


def _well(told: dict[str, Any]) -> Answer:
    return as_json(200, {"meta": {"code": 200}, "response": told})


def _fault(code: int, kind: str, detail: str) -> Answer:
    return as_json(code, {"meta": {"code": code, "errorType": kind, "errorDetail": detail}, "response": {}})
