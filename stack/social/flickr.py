"""Flickr as the stand-in has it: uploads and a search by machine tag, OAuth 1.0a. A fault has HTTP status 200."""

import re
from collections.abc import Callable
from xml.sax.saxutils import quoteattr

from . import consent, signatures
from .messages import Answer, Refusal, Request, jpeg_of
from .state import State, Token

HOSTS = ("up.flickr.com", "www.flickr.com")


def answer(request: Request, state: State, take: Callable[..., int]) -> Answer:
    """Answer one request."""
    match request.method, request.host, request.path:
        case "POST", "www.flickr.com", "/services/oauth/request_token":
            return consent.request_token("flickr", request, state)
        case _, "www.flickr.com", "/services/oauth/authorize":
            if request.query.get("perms") != "write":
                return Answer(400, b"Ask for write permission.", "text/plain")
            return consent.authorize_1("flickr", request, state)
        case "POST", "www.flickr.com", "/services/oauth/access_token":
            more = {"fullname": "{account}", "user_nsid": "1@N01", "username": "{account}"}
            return consent.access_token_1("flickr", request, state, **more)
        case "POST", "up.flickr.com", "/services/upload/":
            return _upload(request, state, take)
        case "GET", "www.flickr.com", "/services/rest/" if request.query.get("method") == "flickr.photos.search":
            return _search(request, state)
    return Answer(404, b"Not Found", "text/plain")


def _upload(request: Request, state: State, take: Callable[..., int]) -> Answer:
    token = _person(request, state)
    picture = jpeg_of(request, "photo")
    if picture is None:
        return _fail(2, "No photo specified")
    words = request.form
    tags = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', words.get("tags", ""))]
    record = {
        "title": words.get("title", ""),
        "text": words.get("description", ""),
        "links": re.findall(r"https?://\S+", words.get("description", "")),
        "tags": tags,
        "image_bytes": len(picture.body),
        "alt": "",
    }
    return _rsp(f"<photoid>{take('flickr', token.account, record)}</photoid>")


def _search(request: Request, state: State) -> Answer:
    token = _person(request, state)
    if request.query.get("user_id") != "me":
        return _fail(2, "Unknown user")
    wanted = request.query["machine_tags"]
    found = [post["id"] for post in state.posts("flickr", token.account) if wanted in post["tags"]]
    photos = "".join(f"<photo id={quoteattr(str(photo_id))} />" for photo_id in found)
    return _rsp(f'<photos page="1" total="{len(found)}">{photos}</photos>')


def _person(request: Request, state: State) -> Token:
    try:
        return signatures.person("flickr", state, request)[0]
    except signatures.WrongKey as error:
        raise Refusal(_fail(100, f"Invalid API Key: {error}")) from error
    except signatures.BadSignature as error:
        code = 98 if "token" in str(error) else 96
        raise Refusal(_fail(code, f"Invalid auth token: {error}")) from error


def _rsp(inner: str, stat: str = "ok") -> Answer:
    text = f'<?xml version="1.0" encoding="utf-8" ?><rsp stat="{stat}">{inner}</rsp>'
    return Answer(200, text.encode(), "text/xml; charset=utf-8")


def _fail(code: int, message: str) -> Answer:
    return _rsp(f'<err code="{code}" msg={quoteattr(message)} />', "fail")
