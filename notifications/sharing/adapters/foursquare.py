"""Foursquare: a check-in at the photo's place, with the photo (API v2, OAuth 2.0). It takes photos of its places only.

Pages followed (docs.foursquare.com/developer/reference, v2): "Create a Check-in" POST /v2/checkins/add, "Add a Photo"
POST /v2/photos/add, "Get User Check-ins" GET /v2/users/self/checkins, "Get User Details", "Authentication",
"Versioning".
"""

import logging
from typing import Any

import requests

from ..texts import with_link
from . import wire
from .base import Account, Post
from .faults import Later, Refused, Revoked, ServiceFault
from .oauth import OAuth2Adapter

log = logging.getLogger(__name__)

API = "https://api.foursquare.com/v2"
#: The day whose behaviour of the API we know.
VERSION = "20231010"
SHOUT_MAX = 140
#: Check-ins looked through for one that was made already.
LOOK_BACK = 50


class Foursquare(OAuth2Adapter):
    """A check-in with a shout, then the picture on it."""

    service = "foursquare"
    authorize_url = "https://foursquare.com/oauth2/authenticate"
    access_token_url = "https://foursquare.com/oauth2/access_token"

    def post(self, account: Account, post: Post) -> str:
        if not post.venue:
            raise Refused("takes photos of places that it knows only, and this one has none to tell")
        asked = {"venueId": post.venue, "shout": with_link(post.text, post.link, limit=SHOUT_MAX)}
        if post.position is not None:
            asked["ll"] = f"{post.position[0]},{post.position[1]}"
        said = self._call("POST", "/checkins/add", account.token, data=asked)
        return self._with_picture(account, post, wire.dig(said, "response", "checkin"))

    def resume(self, account: Account, post: Post) -> str | None:
        asked = {"limit": str(LOOK_BACK), "sort": "newestfirst"}
        said = self._call("GET", "/users/self/checkins", account.token, params=asked)
        for checkin in wire.dig(said, "response", "checkins", "items") or []:
            if post.link in (wire.dig(checkin, "shout") or "").split():
                return self._with_picture(account, post, checkin)
        return None

    def account_of(self, token: str) -> Account:
        user = wire.dig(self._call("GET", "/users/self", token), "response", "user")
        names = [str(wire.dig(user, part) or "") for part in ("firstName", "lastName")]
        return Account(" ".join(names).strip() or str(wire.dig(user, "id") or ""), token)

    def fault(self, response: requests.Response) -> ServiceFault:
        """Judge by errorType; its HTTP status is 403 for limits as well."""
        kind = wire.dig(wire.json_of(response), "meta", "errorType")
        said = wire.sentence(self.words(response), response.status_code)
        if kind in ("rate_limit_exceeded", "quota_exceeded"):
            return Later(said, seconds=wire.wished_wait(response), untouched=True)
        if kind == "invalid_auth":
            return Revoked(said)
        return super().fault(response)

    def words(self, response: requests.Response) -> str | None:
        said = wire.json_of(response)
        return wire.dig(said, "meta", "errorDetail") or wire.dig(said, "meta", "errorType")

    def _with_picture(self, account: Account, post: Post, checkin: Any) -> str:
        """Put the picture on a check-in that has none yet; return the check-in's address."""
        if post.image is not None and not wire.dig(checkin, "photos", "count"):
            asked, files = (
                {"checkinId": str(wire.dig(checkin, "id"))},
                {"photo": ("photo.jpg", post.image, "image/jpeg")},
            )
            try:
                self._call("POST", "/photos/add", account.token, data=asked, files=files)
            except Later as later:
                # The check-in is there: the next attempt goes on with it.
                raise Later(str(later), seconds=later.seconds) from later
            except Refused as refused:
                log.warning("a check-in stays without its picture: %s", refused)
        return str(wire.dig(checkin, "checkinShortUrl") or "")

    def _call(self, method: str, path: str, token: str, **options: Any) -> Any:
        asked = {"oauth_token": token, "v": VERSION} | options.pop("params", {})
        return self.ask(method, API + path, params=asked, **options)
