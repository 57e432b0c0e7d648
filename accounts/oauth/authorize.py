"""A client asks a person: the request is read and checked; allowing or denying it says where the browser goes."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from accounts import tokens
from accounts.models import AccessToken, OAuthClient, User
from instagram.errors import InactiveClient, OAuthError, OAuthForbidden

from .codes import make_code
from .redirects import matches, with_fragment, with_query
from .scopes import read_scopes


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks for. `redirect_uri` is one of its own; `scopes` are known ones, `basic` among them."""

    client: OAuthClient
    redirect_uri: str
    implicit: bool
    scopes: tuple[str, ...]
    state: str


def read_request(values: Mapping[str, str]) -> AuthorizationRequest:
    """Check what the client sent with the browser.

    Raises OAuthError, OAuthForbidden, InactiveClient: told to the person, never by a redirect, since the address to
    redirect to may be what is wrong. Cost: one query on main.
    """
    client_id, redirect_uri = values.get("client_id", ""), values.get("redirect_uri", "")
    response_type = values.get("response_type", "")
    if not client_id or not redirect_uri or response_type not in ("code", "token"):
        raise OAuthError("You must include a valid client_id, response_type, and redirect_uri parameters")
    # PostgreSQL takes no null character, and no id has one.
    client = None if "\x00" in client_id else OAuthClient.objects.filter(client_id=client_id, deleted_at=None).first()
    if client is None:
        raise OAuthError("Invalid Client ID")
    if not client.is_active:
        raise InactiveClient
    if not matches(redirect_uri, client.redirect_uris.split()):
        raise OAuthError("Redirect URI does not match registered redirect URI")
    implicit = response_type == "token"
    if implicit and client.disable_implicit:
        raise OAuthForbidden("Implicit authentication is disabled")
    return AuthorizationRequest(
        client, redirect_uri, implicit, read_scopes(values.get("scope", "")), values.get("state", "")
    )


def is_granted(request: AuthorizationRequest, user_id: int) -> bool:
    """Return whether the person allowed all of this before, so that they need not be asked again."""
    token = AccessToken.objects.filter(user=user_id, client=request.client, is_active=True).first()
    return token is not None and {*request.scopes} <= {"basic", *token.scopes.split()}


def allow(request: AuthorizationRequest, user: User) -> str:
    """Let the client in, and return where the browser goes: with a code, or in the implicit flow with the token.

    The person sees the application among those they let in from now on, whether or not the code is ever exchanged.
    """
    with transaction.atomic():
        token = tokens.grant(user, request.client, request.scopes)
        if not request.implicit:
            code = make_code(token, request.redirect_uri)
            return with_query(request.redirect_uri, code=code, state=request.state)
    return with_fragment(request.redirect_uri, access_token=tokens.text_of(token), state=request.state)


def deny(request: AuthorizationRequest) -> str:
    """Return where the browser goes when the person does not want it."""
    return with_query(
        request.redirect_uri,
        error="access_denied",
        error_reason="user_denied",
        error_description="The user denied your request",
        state=request.state,
    )
