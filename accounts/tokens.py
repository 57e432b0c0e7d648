"""Access tokens: `{user_id}.{first 7 of client_id}.{32 hex}`.

The 32 digits are an HMAC under TOKEN_KEY of user, client and generation: the same person and client get the same
token again although only its hash is stored; revoking raises the generation. Look-ups are cached; a revoke deletes
the entry after its commit.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from caching import delete_after_commit, get_or_load_many
from instagram.errors import InactiveClient, InvalidToken
from sharding import main_server

from .clients import Client
from .models import AccessToken, OAuthClient, User

SCOPES = ("basic", "comments", "relationships", "likes")
_KIND = "token:1"


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person behind a token, and what the token may do."""

    user_id: int
    token_id: int
    scopes: tuple[str, ...]
    client: Client

    def may(self, scope: str) -> bool:
        """Return True if the token carries the scope; tokens of our own applications carry all."""
        return self.client.first_party or scope in self.scopes


def issue(user: User, client: OAuthClient, scopes: Iterable[str] = ()) -> str:
    """Return the person's token for this client, with these scopes added to those it has."""
    with transaction.atomic():
        row = AccessToken.objects.select_for_update().filter(user=user, client=client).first()
        if row is None:
            row = AccessToken(user=user, client=client)
        elif not row.is_active:
            row.generation += 1
            row.scopes = ""
        token = _derive(user.pk, client.client_id, row.generation)
        row.digest, row.is_active = _digest(token), True
        row.scopes = " ".join(sorted({*row.scopes.split(), *scopes} - {"basic"}))
        row.save()
        delete_after_commit(main_server(), _KIND, [row.digest])
    return token


def revoke(token_id: int) -> None:
    """Make a token worthless at once."""
    with transaction.atomic():
        row = AccessToken.objects.select_for_update().get(pk=token_id)
        row.is_active = False
        row.save(update_fields=["is_active"])
        delete_after_commit(main_server(), _KIND, [row.digest])


def authenticate(token: str) -> Viewer:
    """Return who a token stands for. Raises InvalidToken, InactiveClient. Cost: one look-up in memcached."""
    if len(token) > 100 or token.count(".") != 2:
        raise InvalidToken
    digest = _digest(token)
    facts = get_or_load_many(_KIND, [digest], _load, ttl_s=settings.CACHE_PERMISSION_TTL_S).get(digest)
    if facts is None:
        raise InvalidToken
    viewer = Viewer(facts["user_id"], facts["token_id"], tuple(facts["scopes"]), Client(**facts["client"]))
    if not viewer.client.is_active:
        raise InactiveClient
    return viewer


def _load(digests: list[str]) -> dict[str, Any]:
    rows = AccessToken.objects.filter(digest__in=digests, is_active=True, user__is_active=True).select_related("client")
    return {
        row.digest: {
            "user_id": row.user_id,
            "token_id": row.pk,
            "scopes": row.scopes.split(),
            "client": {
                "pk": row.client.pk,
                "client_id": row.client.client_id,
                "client_secret": row.client.client_secret,
                "first_party": row.client.first_party,
                "xauth": row.client.xauth,
                "is_active": row.client.is_active,
            },
        }
        for row in rows
    }


def _derive(user_id: int, client_id: str, generation: int) -> str:
    message = f"{user_id}.{client_id}.{generation}".encode()
    code = hmac.new(settings.TOKEN_KEY.encode(), message, hashlib.sha256).hexdigest()[:32]
    return f"{user_id}.{client_id[:7]}.{code}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
