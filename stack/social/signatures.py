"""OAuth 1.0a as a service checks it (RFC 5849): by recomputing the signature, with oauthlib."""

import threading
import time
from types import SimpleNamespace

from django.conf import settings
from oauthlib.oauth1.rfc5849 import signature
from oauthlib.oauth1.rfc5849.utils import parse_authorization_header, unescape

from .messages import Request
from .state import State, Token

#: Seconds that a timestamp may be off.
CLOCK_S = 300
_nonces: set[tuple[str, str, str]] = set()
_lock = threading.Lock()


class BadSignature(Exception):
    """Not signed, or not as it should be; the sentence says what is wrong."""


class WrongKey(BadSignature):
    """The application itself is not known, or does not sign with its secret."""


def application(service: str, request: Request) -> dict[str, str]:
    """Check a request signed by the application alone; return the OAuth parameters. Raises BadSignature."""
    told = _told(service, request)
    _verify(request, told, settings.SERVICE_KEYS[service][1], "", WrongKey)
    return told


def person(service: str, state: State, request: Request, kind: str = "access") -> tuple[Token, dict[str, str]]:
    """Check a request signed for a person; return the token and the OAuth parameters. Raises BadSignature."""
    told = _told(service, request)
    token = state.token(service, told.get("oauth_token", ""))
    if token is None or token.kind != kind or token.revoked:
        raise BadSignature("no such token")
    _verify(request, told, settings.SERVICE_KEYS[service][1], token.secret, BadSignature)
    return token, told


def _told(service: str, request: Request) -> dict[str, str]:
    header = request.headers.get("Authorization", "")
    try:
        told = {name: unescape(value) for name, value in parse_authorization_header(header)}
    except ValueError:
        raise BadSignature("no OAuth header") from None
    if told.get("oauth_consumer_key") != settings.SERVICE_KEYS[service][0]:
        raise WrongKey("unknown application")
    if told.get("oauth_signature_method") != "HMAC-SHA1" or told.get("oauth_version") != "1.0":
        raise BadSignature("HMAC-SHA1 and version 1.0 only")
    if abs(time.time() - int(told.get("oauth_timestamp", "0"))) > CLOCK_S:
        raise BadSignature("the timestamp is off")
    nonce = (service, told.get("oauth_token", ""), told.get("oauth_nonce", ""))
    with _lock:
        if nonce in _nonces:
            raise BadSignature("this nonce was used")
        _nonces.add(nonce)
    return told


def _verify(request: Request, told: dict[str, str], secret: str, token_secret: str, error: type[BadSignature]) -> None:
    # The fields of a form are signed; a file never is, nor is anything beside it but at Flickr, whose form is text.
    signs_form = request.content_type == "application/x-www-form-urlencoded" or request.host == "up.flickr.com"
    signed = SimpleNamespace(
        http_method=request.method,
        uri=request.url,
        signature=told.get("oauth_signature", ""),
        params=signature.collect_parameters(
            uri_query=request.url.partition("?")[2],
            body=list(request.form.items()) if signs_form else [],
            headers={"Authorization": request.headers["Authorization"]},
        ),
    )
    if not signature.verify_hmac_sha1(signed, secret, token_secret):
        raise error("the signature does not fit")
