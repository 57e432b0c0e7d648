"""Tumblr: a post of the Neue Post Format on the person's blog, by API v2 (OAuth 1.0a).

Pages followed (github.com/tumblr/docs): api.md, "/posts - Create/Reblog a Post (Neue Post Format)" with "User Uploaded
Media", "/posts - Retrieve Published Posts", "/user/info - Get a User's Information", "OAuth"; npf-spec.md, content
blocks.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from ..texts import cut
from . import wire
from .base import Account, Post
from .faults import Refused
from .oauth import OAuth1Adapter

API = "https://api.tumblr.com/v2"
#: Characters of a text block, and of the picture's alternative.
TEXT_MAX = 4_096
TAGS_MAX = 30
#: Posts looked through for one that was made already.
LOOK_BACK = 20


class Tumblr(OAuth1Adapter):
    """A picture and a text, or a text and a link."""

    service = "tumblr"
    request_token_url = "https://www.tumblr.com/oauth/request_token"
    authorize_url = "https://www.tumblr.com/oauth/authorize"
    access_token_url = "https://www.tumblr.com/oauth/access_token"

    def post(self, account: Account, post: Post) -> str:
        url, blocks = self._blog(account) + "/posts", _blocks(post)
        body = {"content": blocks, "tags": ",".join(post.tags[:TAGS_MAX]), "source_url": post.link}
        if post.image is None:
            said = self.ask("POST", url, auth=self.signed(account), json=body)
        else:
            said = self.ask(
                "POST",
                url,
                auth=self.signed(account),
                files={
                    "json": (None, json.dumps(body), "application/json"),
                    "photo": ("photo.jpg", post.image, "image/jpeg"),
                },
            )
        post_id = wire.dig(said, "response", "id")
        return f"https://{_host(account)}/post/{post_id}" if post_id else ""

    def resume(self, account: Account, post: Post) -> str | None:
        asked = {"npf": "true", "limit": str(LOOK_BACK)}
        said = self.ask("GET", self._blog(account) + "/posts", auth=self.signed(account), params=asked)
        for each in wire.dig(said, "response", "posts") or []:
            if wire.dig(each, "source_url") == post.link or post.link in json.dumps(wire.dig(each, "content")):
                return str(wire.dig(each, "post_url") or "")
        return None

    def account_of(self, told: Mapping[str, str], account: Account) -> Account:
        said = self.ask("GET", f"{API}/user/info", auth=self.signed(account))
        blogs = wire.dig(said, "response", "user", "blogs") or []
        first = next((blog for blog in blogs if wire.dig(blog, "primary")), blogs[0] if blogs else None)
        name = wire.dig(first, "name")
        if not name:
            raise Refused("this account has no blog")
        return Account(str(name), account.token, account.secret)

    def words(self, response: requests.Response) -> str | None:
        said = wire.json_of(response)
        return wire.dig(said, "errors", 0, "detail") or wire.dig(said, "meta", "msg")

    def _blog(self, account: Account) -> str:
        return f"{API}/blog/{quote(_host(account), safe='')}"


def _host(account: Account) -> str:
    return account.name if "." in account.name else f"{account.name}.tumblr.com"


def _blocks(post: Post) -> list[dict[str, Any]]:
    words = [{"type": "text", "text": text}] if (text := cut(post.text, TEXT_MAX)) else []
    if post.image is None:
        return [*words, {"type": "link", "url": post.link}]
    media = {"type": "image/jpeg", "identifier": "photo"}
    picture = {"type": "image", "media": [media], "alt_text": cut(post.alt, TEXT_MAX)}
    clickable = {"start": 0, "end": len(post.link), "type": "link", "url": post.link}
    return [picture, *words, {"type": "text", "text": post.link, "formatting": [clickable]}]
