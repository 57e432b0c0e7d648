"""Who may call an endpoint: declared beside its handler with @access, checked before it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from accounts import clients, tokens
from accounts.clients import Client
from accounts.tokens import Viewer
from api.parameters import Params
from instagram.errors import ClientRefused, MissingCredential, NotPermitted

Handler = TypeVar("Handler", bound=Callable[..., Any])


class WrongSecret(ClientRefused):
    """The client_secret is not this client's."""

    def __init__(self) -> None:
        super().__init__('Invalid "client_id" and/or "client_secret".')


@dataclass(frozen=True, slots=True)
class Access:
    """What a handler asks of its caller."""

    token: bool = False
    scope: str = ""
    first_party: bool = False
    secret: bool = False


READ, WRITE = Access(), Access(token=True)


def access(
    *, token: bool | None = None, scope: str = "", first_party: bool = False, secret: bool = False
) -> Callable[[Handler], Handler]:
    """Declare what a handler asks of its caller.

    token: a person must be signed in. Default: yes for everything but GET, and for a path with `self` as user id.
    scope: "likes", "comments" or "relationships": the token must carry it (first-party tokens carry all).
    first_party: our own applications only.
    secret: client_id and client_secret identify the application; no person is involved.
    """

    def declare(handler: Handler) -> Handler:
        default = not secret and handler.__name__ != "get"
        needs = Access(default if token is None else token, scope, first_party, secret)
        handler.access = needs  # type: ignore[attr-defined]  # ours, read before the handler runs
        return handler

    return declare


def access_of(handler: Callable[..., Any]) -> Access:
    """Return what a handler declared, else: GET is open to any credential, everything else needs a token."""
    declared: Access | None = getattr(handler, "access", None)
    return declared or (READ if handler.__name__ == "get" else WRITE)


def identify(params: Params, needs: Access) -> tuple[Viewer | None, Client]:
    """Return who calls. Raises the credential errors of the contract's section 3.

    Of a token and a client_id together the token wins. Cost: one memcached look-up for a token; clients are kept in
    process for a second.
    """
    client_id = params.get("client_id")
    if needs.secret:
        return None, _client_with_secret(client_id, params.get("client_secret"))
    if token := params.get("access_token"):
        viewer = tokens.authenticate(token)
        return viewer, viewer.client
    if not client_id:
        raise MissingCredential(token_needed=False)
    if needs.token:
        raise MissingCredential(token_needed=True)
    return None, clients.authenticate(client_id)


def require(needs: Access, viewer: Viewer | None, client: Client) -> None:
    """Check that the client is approved for the endpoint and the token carries its scope."""
    if needs.first_party and not client.first_party:
        raise NotPermitted()
    if needs.scope and viewer and not viewer.may(needs.scope):
        raise NotPermitted(scope=needs.scope)


def _client_with_secret(client_id: str, client_secret: str) -> Client:
    if not client_id:
        raise MissingCredential(token_needed=False)
    if not client_secret:
        raise ClientRefused("Missing client_secret URL parameter.")
    client = clients.authenticate(client_id)
    if not client.has_secret(client_secret):
        raise WrongSecret
    return client
