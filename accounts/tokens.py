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
from django.db.models import QuerySet

from caching import delete_after_commit, get_or_load_many
from instagram.errors import InvalidClient, InvalidToken
from sharding import main_server

from . import clients
from .clients import Client
from .models import AccessToken, OAuthClient, User
from .signals import tokens_revoked

SCOPES = ("basic", "comments", "relationships", "likes")
_KIND = "token:2"


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
    return text_of(grant(user, client, scopes))


def grant(user: User, client: OAuthClient, scopes: Iterable[str] = ()) -> AccessToken:
    """Let a client act for a person, with these scopes added to those it has; after a revoke it begins with none."""
    with transaction.atomic():
        first = _digest(_derive(user.pk, client.client_id, 0))
        # Two sign-ins at once: one makes the row, the other waits for it and finds it.
        AccessToken.objects.get_or_create(user=user, client=client, defaults={"digest": first})
        row = AccessToken.objects.select_for_update().get(user=user, client=client)
        if not row.is_active:
            row.generation += 1
            row.scopes = ""
        row.digest, row.is_active = _digest(_derive(user.pk, client.client_id, row.generation)), True
        row.scopes = " ".join(sorted({*row.scopes.split(), *scopes} - {"basic"}))
        row.save()
        delete_after_commit(main_server(), _KIND, [row.digest])
    return row


def text_of(row: AccessToken) -> str:
    """Return the token itself, derived anew."""
    return _derive(row.user_id, row.client.client_id, row.generation)


def revoke(token_id: int) -> None:
    """Make a token worthless at once. Harmless to repeat."""
    _revoke(AccessToken.objects.filter(pk=token_id))


def revoke_all(user_id: int) -> None:
    """Make all tokens of a person worthless."""
    _revoke(AccessToken.objects.filter(user=user_id))


def revoke_first_party(user_id: int, *, but: int | None = None) -> None:
    """Make a person's tokens of our own applications worthless, all but one: the password changed."""
    _revoke(AccessToken.objects.filter(user=user_id, client__first_party=True).exclude(pk=but or 0))


def _revoke(tokens: QuerySet[AccessToken]) -> None:
    with transaction.atomic():
        rows = dict(tokens.select_for_update(of=["self"]).values_list("pk", "digest"))
        AccessToken.objects.filter(pk__in=rows).update(is_active=False)
        delete_after_commit(main_server(), _KIND, list(rows.values()))
        # In the transaction: what hangs on a token, such as the device it pushes to, ends with it or not at all.
        tokens_revoked.send(AccessToken, token_ids=list(rows))


def forget(user_id: int) -> None:
    """Have the tokens of a person read anew after the commit of the open transaction: may they still sign in?"""
    digests = AccessToken.objects.filter(user=user_id).values_list("digest", flat=True)
    delete_after_commit(main_server(), _KIND, list(digests))


def authenticate(token: str) -> Viewer:
    """Return who a token stands for. Raises InvalidToken, InactiveClient.

    Cost: one look-up in memcached; its client is kept in process for a second.
    """
    if len(token) > 100 or token.count(".") != 2:
        raise InvalidToken
    digest = _digest(token)
    facts = get_or_load_many(_KIND, [digest], _load, ttl_s=settings.CACHE_PERMISSION_TTL_S).get(digest)
    if facts is None:
        raise InvalidToken
    try:
        client = clients.authenticate(facts["client_id"])
    except InvalidClient:  # its developer deleted it, a moment ago
        raise InvalidToken from None
    return Viewer(facts["user_id"], facts["token_id"], tuple(facts["scopes"]), client)


def authenticate_away(token: str) -> Viewer:
    """Return who a token stands for, even somebody who deactivated their account or is being deleted.

    Only for what such a person may still do: come back, or look how far the deletion is. Raises InvalidToken,
    InactiveClient. Cost: one query on main.
    """
    row = AccessToken.objects.filter(digest=_digest(token), is_active=True).select_related("client").first()
    if row is None:
        raise InvalidToken
    return Viewer(row.user_id, row.pk, tuple(row.scopes.split()), clients.authenticate(row.client.client_id))


def _load(digests: list[str]) -> dict[str, Any]:
    rows = AccessToken.objects.filter(
        digest__in=digests, is_active=True, user__is_active=True, user__deactivated_at=None
    ).values("digest", "user_id", "id", "scopes", "client__client_id")
    return {
        row["digest"]: {
            "user_id": row["user_id"],
            "token_id": row["id"],
            "scopes": row["scopes"].split(),
            "client_id": row["client__client_id"],
        }
        for row in rows
    }


def _derive(user_id: int, client_id: str, generation: int) -> str:
    message = f"{user_id}.{client_id}.{generation}".encode()
    code = hmac.new(settings.TOKEN_KEY.encode(), message, hashlib.sha256).hexdigest()[:32]
    return f"{user_id}.{client_id[:7]}.{code}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
