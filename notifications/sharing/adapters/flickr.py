"""Flickr: an upload to the person's photostream (OAuth 1.0a, HMAC-SHA1). It takes pictures only.

Pages followed (flickr.com/services/api): "Uploading Photos" upload.api.html (the photo is no part of the signature),
"User Authentication" auth.oauth.html, flickr.photos.search, "URLs" misc.urls.html (short addresses).
"""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import requests

from ..texts import cut, one_line
from . import wire
from .base import Account, Post
from .faults import Later, Refused, Revoked, ServiceFault
from .oauth import OAuth1Adapter

UPLOAD = "https://up.flickr.com/services/upload/"
REST = "https://www.flickr.com/services/rest/"
TITLE_MAX, TEXT_MAX = 100, 10_000
#: Codes of errors, the same for uploads and methods.
_REVOKED = {98, 99}
_LATER = {3, 14, 105}
_OURS = {95, 96, 97, 100}
_BASE58 = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"


class Flickr(OAuth1Adapter):
    """A picture with a title, a description and tags."""

    service = "flickr"
    request_token_url = "https://www.flickr.com/services/oauth/request_token"
    authorize_url = "https://www.flickr.com/services/oauth/authorize"
    access_token_url = "https://www.flickr.com/services/oauth/access_token"
    authorize_more = {"perms": "write"}

    def post(self, account: Account, post: Post) -> str:
        if post.image is None:
            raise Refused("takes pictures only, and of this photo a link alone may be posted")
        words = {
            "title": one_line(post.text, TITLE_MAX),
            "description": f"{cut(post.text, TEXT_MAX)}\n\n{post.link}".strip(),
            # Quotes keep what has spaces or colons one tag.
            "tags": " ".join(f'"{tag}"' for tag in (*post.tags, _machine_tag(post))),
        }
        files = {"photo": ("photo.jpg", post.image, "image/jpeg")}
        response = wire.send("POST", UPLOAD, headers=self._authorization(account, words), data=words, files=files)
        return _address(int(self._read(response).findtext("photoid") or 0))

    def resume(self, account: Account, post: Post) -> str | None:
        asked = {"method": "flickr.photos.search", "user_id": "me", "machine_tags": _machine_tag(post), "per_page": "1"}
        found = self._read(wire.send("GET", REST, params=asked, auth=self.signed(account))).find("photos/photo")
        return None if found is None else _address(int(found.get("id") or 0))

    def account_of(self, told: Mapping[str, str], account: Account) -> Account:
        return Account(told.get("username") or told.get("user_nsid", ""), account.token, account.secret)

    def _authorization(self, account: Account, words: dict[str, str]) -> dict[str, str]:
        """Sign the words as a form without the photo; return the header that goes with the multipart request."""
        form = requests.Request("POST", wire.address(UPLOAD), data=words, auth=self.signed(account)).prepare()
        header = form.headers["Authorization"]
        return {"Authorization": header.decode() if isinstance(header, bytes) else header}

    def _read(self, response: requests.Response) -> Any:
        """Return the answer's <rsp>. A fault has HTTP status 200 as well."""
        if response.status_code != 200:
            raise self.fault(response)
        try:
            told = ElementTree.fromstring(response.content)  # noqa: S314  # from Flickr over TLS, and bounded
        except ElementTree.ParseError:
            raise Later("gave an answer that cannot be read") from None
        if told.get("stat") == "ok":
            return told
        error = told.find("err")
        raise _fault(int(_attribute(error, "code") or 0), wire.sentence(_attribute(error, "msg"), 200))


def _fault(code: int, said: str) -> ServiceFault:
    if code in _REVOKED:
        return Revoked(said)
    if code in _LATER:
        return Later(said)
    if code in _OURS:
        return Later(said, untouched=True)
    return Refused(said)


def _attribute(element: Any, name: str) -> str | None:
    return None if element is None else element.get(name)


def _machine_tag(post: Post) -> str:
    return f"instagram:photo={post.photo_id}"


def _address(photo_id: int) -> str:
    """Return Flickr's short address: the id in base 58."""
    digits = ""
    while photo_id:
        photo_id, rest = divmod(photo_id, 58)
        digits = _BASE58[rest] + digits
    return f"https://flic.kr/p/{digits}" if digits else ""
