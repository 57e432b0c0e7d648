"""X, formerly Twitter: API v2 as the person (OAuth 1.0a user context), by tweepy.

Pages followed (docs.x.com): "Create Post" POST /2/tweets, "Upload media" POST /2/media/upload, "Create Media metadata"
POST /2/media/metadata, "Get Posts" GET /2/users/:id/tweets, "3-legged OAuth flow" /oauth/*. tweepy 4.17 does not know
v2's upload (the one it knows, v1.1, is switched off), so those two requests go over its session here.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import requests
import tweepy

from ..texts import cut, with_link, x_weight
from . import wire
from .base import Account, Post
from .faults import Refused
from .oauth import OAuth1Adapter

T = TypeVar("T")
#: The host that tweepy asks; api.x.com is the same.
API = "https://api.twitter.com"
#: Weighed as twitter-text weighs.
TEXT_MAX = 280
ALT_MAX = 1_000
#: Posts looked through for one that was made already.
LOOK_BACK = 50


class Twitter(OAuth1Adapter):
    """A post with the photo, or with its link alone."""

    service = "twitter"
    request_token_url = f"{API}/oauth/request_token"
    authorize_url = f"{API}/oauth/authorize"
    access_token_url = f"{API}/oauth/access_token"

    def post(self, account: Account, post: Post) -> str:
        client = self._client(account)
        media_ids = [self._uploaded(client, account, post)] if post.image else None
        text = with_link(post.text, post.link, limit=TEXT_MAX, measure=x_weight)
        try:
            said = self._told(lambda: client.create_tweet(text=text, media_ids=media_ids, user_auth=True))
        except Refused as refused:
            # X takes no text twice, and every text has the photo's link: an earlier attempt was answered to nobody.
            if "duplicate" not in str(refused):
                raise
            return self.resume(account, post) or f"https://x.com/{account.name}"
        return _address(account, said.data["id"])

    def resume(self, account: Account, post: Post) -> str | None:
        user_id = account.token.partition("-")[0]  # an access token begins with it
        client = self._client(account)
        about: dict[str, Any] = {"max_results": LOOK_BACK, "tweet_fields": ["entities"], "user_auth": True}
        try:
            said = self._told(lambda: client.get_users_tweets(user_id, **about))
        except Refused:
            # Not every contract with X lets us read. Posting again is safe: X refuses the same text.
            return None
        for tweet in said.data or []:
            # The text has X's own short link in the place of ours.
            links = [wire.dig(each, "expanded_url") for each in wire.dig(tweet.entities, "urls") or []]
            if post.link in links:
                return _address(account, tweet.id)
        return None

    def account_of(self, told: Mapping[str, str], account: Account) -> Account:
        return Account(told.get("screen_name", ""), account.token, account.secret)

    def words(self, response: requests.Response) -> str | None:
        said = wire.json_of(response)
        return wire.dig(said, "detail") or wire.dig(said, "errors", 0, "message") or wire.dig(said, "title")

    def _client(self, account: Account) -> tweepy.Client:
        client = tweepy.Client(
            consumer_key=self.key,
            consumer_secret=self.secret,
            access_token=account.token,
            access_token_secret=account.secret,
        )
        client.session = wire.Session()
        return client

    def _uploaded(self, client: tweepy.Client, account: Account, post: Post) -> str:
        """Return the id of the uploaded picture; one that no post uses is gone after a day."""
        said = self.ask(
            "POST",
            f"{API}/2/media/upload",
            auth=self.signed(account),
            data={"media_category": "tweet_image", "media_type": "image/jpeg"},
            files={"media": ("photo.jpg", post.image, "image/jpeg")},
        )
        media_id = wire.dig(said, "data", "id")
        if not media_id:
            raise Refused("took the picture and gave it no id")
        if alt := cut(post.alt, ALT_MAX):
            about = {"id": media_id, "metadata": {"alt_text": {"text": alt}}}
            self._told(lambda: client.request("POST", "/2/media/metadata", json=about, user_auth=True))
        return str(media_id)

    def _told(self, call: Callable[[], T]) -> T:
        """Return what tweepy returns; raise our faults for tweepy's."""
        try:
            return call()
        except tweepy.HTTPException as error:
            raise self.fault(error.response) from error
        except requests.RequestException as error:
            raise wire.unanswered(error) from error


def _address(account: Account, tweet_id: Any) -> str:
    return f"https://x.com/{account.name or 'i'}/status/{tweet_id}"
