"""Tumblr as the stand-in has it: posts of the Neue Post Format on a blog, OAuth 1.0a."""

import json
import re
from collections.abc import Callable
from typing import Any

from . import consent, signatures
from .messages import Answer, Refusal, Request, as_json, jpeg_of
from .state import State, Token

HOSTS = ("api.tumblr.com", "www.tumblr.com")


def answer(request: Request, state: State, take: Callable[..., int]) -> Answer:
    """Answer one request."""
    match request.method, request.host, request.path:
        case "POST", "www.tumblr.com", "/oauth/request_token":
            return consent.request_token("tumblr", request, state)
        case _, "www.tumblr.com", "/oauth/authorize":
            return consent.authorize_1("tumblr", request, state)
        case "POST", "www.tumblr.com", "/oauth/access_token":
            return consent.access_token_1("tumblr", request, state)
        case "GET", "api.tumblr.com", "/v2/user/info":
            name = _person(request, state).account
            return _well(200, {"user": {"name": name, "blogs": [{"name": name, "primary": True}]}})
        case method, "api.tumblr.com", path if blog := re.fullmatch(r"/v2/blog/([^/]+)/posts", path):
            token = _person(request, state)
            if blog[1] not in (token.account, f"{token.account}.tumblr.com"):
                raise Refusal(_fault(403, "You cannot post to this blog."))
            return _post(request, token, take) if method == "POST" else _posts(request, state, token)
    return _fault(404, "Not Found")


def _post(request: Request, token: Token, take: Callable[..., int]) -> Answer:
    body = request.json if request.content_type == "application/json" else json.loads(request.files["json"].body)
    record: dict[str, Any] = {"source_url": body["source_url"], "content": body["content"], "image_bytes": 0, "alt": ""}
    texts = []
    for block in body["content"]:
        match block["type"]:
            case "text":
                if len(block["text"]) > 4_096:
                    raise Refusal(_fault(400, "A text block is too long."))
                texts.append(block["text"])
            case "image":
                picture = jpeg_of(request, block["media"][0]["identifier"])
                if picture is None:
                    raise Refusal(_fault(400, "The media of a block did not come."))
                record |= {"image_bytes": len(picture.body), "alt": block.get("alt_text", "")}
            case "link":
                texts.append(block["url"])
            case other:
                raise Refusal(_fault(400, f"There is no block {other}."))
    record |= {"text": "\n".join(texts), "links": re.findall(r"https?://\S+", "\n".join(texts)), "tags": body["tags"]}
    return _well(201, {"id": str(take("tumblr", token.account, record))})


def _posts(request: Request, state: State, token: Token) -> Answer:
    posts = [
        {
            "id": str(post["id"]),
            "post_url": f"https://{token.account}.tumblr.com/post/{post['id']}",
            "source_url": post["source_url"],
            "content": post["content"],
        }
        for post in state.posts("tumblr", token.account)[: int(request.query["limit"])]
    ]
    return _well(200, {"posts": posts})


def _person(request: Request, state: State) -> Token:
    try:
        return signatures.person("tumblr", state, request)[0]
    except signatures.BadSignature as error:
        raise Refusal(_fault(401, f"Unauthorized: {error}")) from error


def _well(status: int, told: dict[str, Any]) -> Answer:
    return as_json(status, {"meta": {"status": status, "msg": "OK"}, "response": told})


def _fault(status: int, detail: str) -> Answer:
    errors = [{"title": "Fault", "code": status * 10, "detail": detail}]
    return as_json(status, {"meta": {"status": status, "msg": detail}, "response": [], "errors": errors})
