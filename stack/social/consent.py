"""The page on which a person says yes or no, and the tokens of OAuth, as all services have them."""

import html
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

from django.conf import settings

from . import signatures
from .messages import Answer, Refusal, Request
from .state import State, Token

T = TypeVar("T")
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{service} (stand-in)</title>
<style>body{{margin:0;font:16px/1.5 Helvetica,Arial,sans-serif;background:#f4efe4;color:#2e2a24}}
main{{max-width:400px;margin:10vh auto;padding:24px;background:#fff;border:1px solid #ddd5c3;border-radius:6px}}
input{{width:100%;box-sizing:border-box;padding:10px;margin:4px 0 20px;font:inherit;border:1px solid #ddd5c3}}
div{{display:grid;grid-template-columns:1fr 1fr;gap:12px}}
button{{padding:12px;font:inherit;font-weight:bold;border:1px solid #c9bfaa;border-radius:4px;background:#fbf8f0}}
button[value=yes]{{background:#3f729b;color:#fff}}small{{color:#6f675a}}</style></head>
<body><main><h1>{service}</h1><p><b>Instagram</b> would like to post as you.</p><form method="post">
<label>Account<input name="account" value="anna" maxlength="50" required></label>
<div><button name="decision" value="no">No</button><button name="decision" value="yes">Yes</button></div></form>
<p><small>This is the stand-in of the local data centre, not {service} itself.</small></p></main></body></html>"""


def request_token(service: str, request: Request, state: State) -> Answer:
    """OAuth 1, first step: a token to ask a person with."""
    told = _checked(lambda: signatures.application(service, request))
    made = state.new_token(service, "request", callback=told.get("oauth_callback", ""))
    answer = {"oauth_token": made.token, "oauth_token_secret": made.secret, "oauth_callback_confirmed": "true"}
    return Answer(200, urlencode(answer).encode(), "application/x-www-form-urlencoded")


def authorize_1(service: str, request: Request, state: State) -> Answer:
    """OAuth 1, second step: the person says yes or no, the browser goes back."""
    token = state.token(service, request.query.get("oauth_token", ""))
    if token is None or token.kind != "request":
        return Answer(400, b"This page is too old.", "text/plain")
    if request.method == "GET":
        return _page(service)
    if request.form.get("decision") != "yes":
        return _back(token.callback, {"denied": token.token})
    verifier = state.allow(token, request.form["account"])
    return _back(token.callback, {"oauth_token": token.token, "oauth_verifier": verifier})


def access_token_1(service: str, request: Request, state: State, **more: str) -> Answer:
    """OAuth 1, third step: the token that works. more: {account} in a value is the account's name."""

    def check() -> Token:
        token, told = signatures.person(service, state, request, kind="request")
        if not token.verifier or told.get("oauth_verifier") != token.verifier:
            raise signatures.BadSignature("the verifier does not fit")
        return token

    token = _checked(check)
    state.spend(token)
    made = state.new_token(service, "access", account=token.account)
    answer = {"oauth_token": made.token, "oauth_token_secret": made.secret}
    answer |= {name: value.format(account=made.account) for name, value in more.items()}
    return Answer(200, urlencode(answer).encode(), "application/x-www-form-urlencoded")


def authorize_2(service: str, request: Request, state: State) -> Answer:
    """OAuth 2, first step: the person says yes or no, the browser goes back with a code."""
    asked = request.query
    if asked.get("client_id") != settings.SERVICE_KEYS[service][0] or asked.get("response_type") != "code":
        return Answer(400, b"This application is not known.", "text/plain")
    if request.method == "GET":
        return _page(service)
    if request.form.get("decision") != "yes":
        return _back(asked["redirect_uri"], {"error": "access_denied", "state": asked.get("state", "")})
    code = state.new_token(service, "code", account=request.form["account"], callback=asked["redirect_uri"])
    return _back(asked["redirect_uri"], {"code": code.token, "state": asked.get("state", "")})


def access_token_2(service: str, request: Request, state: State) -> Token | None:
    """OAuth 2, second step: return the new token, None for a code, secret or address that does not fit."""
    asked = request.form
    code = state.token(service, asked.get("code", ""))
    fits = (asked.get("client_id"), asked.get("client_secret")) == settings.SERVICE_KEYS[service]
    if code is None or code.kind != "code" or code.callback != asked.get("redirect_uri") or not fits:
        return None
    state.spend(code)
    return state.new_token(service, "access", account=code.account)


def _checked(check: Callable[[], T]) -> T:
    try:
        return check()
    except signatures.BadSignature as error:
        raise Refusal(Answer(401, str(error).encode(), "text/plain")) from error


def _page(service: str) -> Answer:
    return Answer(200, _PAGE.format(service=html.escape(service.title())).encode(), "text/html; charset=utf-8")


def _back(address: str, told: dict[str, str]) -> Answer:
    place, _, query = address.partition("?")
    return Answer(302, b"", headers={"Location": f"{place}?{urlencode(dict(parse_qsl(query)) | told)}"})
