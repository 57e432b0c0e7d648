"""Linking over OAuth 1.0a (RFC 5849) and OAuth 2.0 (RFC 6749), as far as the services agree."""

import hmac
import logging
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode

import requests
from requests_oauthlib import OAuth1

from . import wire
from .base import Account, Adapter, Handshake
from .faults import Later, Refused, Revoked, ServiceFault

log = logging.getLogger(__name__)

SAID_NO = "you did not allow it"


class OAuth1Adapter(Adapter):
    """Tokens with secrets; every request is signed (HMAC-SHA1)."""

    request_token_url: ClassVar[str]
    authorize_url: ClassVar[str]
    access_token_url: ClassVar[str]
    #: Further parameters of the page that asks the person.
    authorize_more: ClassVar[dict[str, str]] = {}

    def signed(self, account: Account) -> OAuth1:
        """Return what signs requests as the account."""
        return OAuth1(self.key, self.secret, account.token, account.secret)

    def begin(self, callback: str, state: str) -> Handshake:
        told = self._tokens(self.request_token_url, OAuth1(self.key, self.secret, callback_uri=callback))
        asked = {"oauth_token": told["oauth_token"]} | self.authorize_more
        return Handshake(
            f"{wire.address(self.authorize_url)}?{urlencode(asked)}", told["oauth_token"], told["oauth_token_secret"]
        )

    def finish(self, callback: str, handshake: Handshake, answer: Mapping[str, str]) -> Account:
        # The request token is this browser's alone: it takes the place of OAuth 2's state.
        verifier = answer.get("oauth_verifier", "")
        if not verifier or not hmac.compare_digest(answer.get("oauth_token", "").encode(), handshake.token.encode()):
            raise Refused(SAID_NO)
        signature = OAuth1(self.key, self.secret, handshake.token, handshake.secret, verifier=verifier)
        told = self._tokens(self.access_token_url, signature)
        return self.account_of(told, Account("", told["oauth_token"], told["oauth_token_secret"]))

    @abstractmethod
    def account_of(self, told: Mapping[str, str], account: Account) -> Account:
        """Return the account with its name, told beside its token or asked for."""

    def fault(self, response: requests.Response) -> ServiceFault:
        """As every adapter's; but a 401 that our own keys meet as well is no fault of the person's."""
        fault = super().fault(response)
        if isinstance(fault, Revoked) and not self._our_keys_work():
            log.error("%s refuses our own key: look at SERVICE_KEYS", self.service)
            return Later("does not know this application", untouched=True)
        return fault

    def _our_keys_work(self) -> bool:
        signature = OAuth1(self.key, self.secret, callback_uri="oob")
        return wire.send("POST", self.request_token_url, auth=signature).status_code != 401

    def _tokens(self, url: str, signature: OAuth1) -> dict[str, str]:
        response = wire.send("POST", url, auth=signature)
        told = dict(parse_qsl(response.text)) if response.status_code == 200 else {}
        if not told.get("oauth_token") or "oauth_token_secret" not in told:
            # Of linking all is told at once, and nothing of it is tried again.
            raise Refused(wire.sentence("", response.status_code))
        return told


class OAuth2Adapter(Adapter):
    """Bearer tokens."""

    authorize_url: ClassVar[str]
    access_token_url: ClassVar[str]
    #: Further parameters of the page that asks the person.
    authorize_more: ClassVar[dict[str, str]] = {}

    def begin(self, callback: str, state: str) -> Handshake:
        asked = {"client_id": self.key, "redirect_uri": callback, "response_type": "code", "state": state}
        return Handshake(f"{wire.address(self.authorize_url)}?{urlencode(asked | self.authorize_more)}", state)

    def finish(self, callback: str, handshake: Handshake, answer: Mapping[str, str]) -> Account:
        code = answer.get("code", "")
        if not code or not hmac.compare_digest(answer.get("state", "").encode(), handshake.token.encode()):
            raise Refused(SAID_NO)
        asked = {"client_id": self.key, "client_secret": self.secret, "redirect_uri": callback, "code": code}
        asked["grant_type"] = "authorization_code"
        token = wire.dig(self.ask("POST", self.access_token_url, data=asked), "access_token")
        if not isinstance(token, str) or not token:
            raise Refused("gave no token")
        return self.account_of(token)

    @abstractmethod
    def account_of(self, token: str) -> Account:
        """Return the account that a new token opens."""
