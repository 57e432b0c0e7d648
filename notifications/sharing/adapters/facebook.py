"""Facebook: a photo on a Page, by the Graph API (persons' own walls take none since 2018).

Pages followed (developers.facebook.com/docs): "Page Photos" POST /{page}/photos, "Page Feed" GET and POST
/{page}/feed, "User Accounts" GET /me/accounts, "Manually build a login flow", "Secure Graph API calls"
(appsecret_proof), "Handling errors". A page's token makes `me` the page.
"""

import hashlib
import hmac
from typing import Any

import requests

from ..texts import cut, with_link
from . import wire
from .base import Account, Post
from .faults import Later, Refused, Revoked, ServiceFault
from .oauth import OAuth2Adapter

VERSION = "v23.0"
API = f"https://graph.facebook.com/{VERSION}"
TEXT_MAX = 63_206
ALT_MAX = 1_000
#: Posts looked through for one that was made already.
LOOK_BACK = 50
#: Codes of errors: the token or one of its permissions is gone; it cannot now; there are too many calls.
_REVOKED = {10, 102, 190, *range(200, 300)}
_FOR_A_MOMENT = {1, 2}
_TOO_MANY = {4, 17, 32, 341, 368, 613}


class Facebook(OAuth2Adapter):
    """A photo with a text, or a text with a link."""

    service = "facebook"
    authorize_url = f"https://www.facebook.com/{VERSION}/dialog/oauth"
    access_token_url = f"{API}/oauth/access_token"
    authorize_more = {"scope": "pages_show_list,pages_read_engagement,pages_manage_posts"}

    def post(self, account: Account, post: Post) -> str:
        if post.image is None:
            asked = {"message": cut(post.text, TEXT_MAX), "link": post.link}
            said = self._graph("POST", "/me/feed", account.token, asked)
            return _address(wire.dig(said, "id"))
        asked = {
            "message": with_link(post.text, post.link, limit=TEXT_MAX),
            "alt_text_custom": cut(post.alt, ALT_MAX),
        }
        files = {"source": ("photo.jpg", post.image, "image/jpeg")}
        said = self._graph("POST", "/me/photos", account.token, asked, files=files)
        return _address(wire.dig(said, "post_id") or wire.dig(said, "id"))

    def resume(self, account: Account, post: Post) -> str | None:
        asked = {"fields": "id,message,permalink_url,attachments{unshimmed_url}", "limit": str(LOOK_BACK)}
        said = self._graph("GET", "/me/feed", account.token, asked)
        for each in wire.dig(said, "data") or []:
            links = [wire.dig(one, "unshimmed_url") for one in wire.dig(each, "attachments", "data") or []]
            if post.link in (wire.dig(each, "message") or "").split() or post.link in links:
                return wire.dig(each, "permalink_url") or _address(wire.dig(each, "id"))
        return None

    def account_of(self, token: str) -> Account:
        said = self._graph("GET", "/me/accounts", token, {"fields": "name,access_token"})
        page = wire.dig(said, "data", 0)
        if page is None:
            raise Refused("this account has no Page; Facebook takes photos for Pages only")
        return Account(str(wire.dig(page, "name") or ""), str(wire.dig(page, "access_token") or ""))

    def fault(self, response: requests.Response) -> ServiceFault:
        """Judge by Graph's own code; its HTTP status is 400 for nearly everything."""
        code = wire.dig(wire.json_of(response), "error", "code")
        said = wire.sentence(self.words(response), response.status_code)
        if code in _REVOKED:
            return Revoked(said)
        if code in _TOO_MANY:
            return Later(said, seconds=wire.wished_wait(response), untouched=True)
        if code in _FOR_A_MOMENT:
            return Later(said)
        fault = super().fault(response)
        # Without a code of theirs a 401 says nothing of the person.
        return Refused(said) if isinstance(fault, Revoked) else fault

    def words(self, response: requests.Response) -> str | None:
        said = wire.json_of(response)
        return wire.dig(said, "error", "error_user_msg") or wire.dig(said, "error", "message")

    def _graph(self, method: str, path: str, token: str, asked: dict[str, str], **options: Any) -> Any:
        # Proof that the token is used by us and nobody who stole it.
        proof = hmac.new(self.secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        place = "params" if method == "GET" else "data"
        sent = asked | {"access_token": token, "appsecret_proof": proof}
        return self.ask(method, API + path, **{place: sent}, **options)


def _address(post_id: Any) -> str:
    return f"https://www.facebook.com/{post_id}" if post_id else ""
