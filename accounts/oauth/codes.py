"""Authorization codes: made when a person allows, exchanged once, within AUTHORIZATION_CODE_S seconds."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import AccessToken, AuthorizationCode
from instagram.errors import OAuthError


def make_code(token: AccessToken, redirect_uri: str) -> str:
    """Return a new code that its client can exchange for this token."""
    code = secrets.token_hex(16)
    AuthorizationCode.objects.create(
        token=token, generation=token.generation, digest=_digest(code), redirect_uri=redirect_uri
    )
    return code


def exchange(*, client_pk: int, code: str, redirect_uri: str) -> AccessToken:
    """Return the token a code stands for; the code is spent.

    Worthless are codes of another client, spent or too old ones, those of people who revoked the application since or
    who are away. Of two exchanges at once one succeeds. Raises OAuthError. Cost: two queries on main.
    """
    with transaction.atomic():
        found = (
            AuthorizationCode.objects.select_for_update(of=("self",))
            .select_related("token__client", "token__user")
            .filter(
                digest=_digest(code),
                created_at__gt=_oldest(),
                generation=F("token__generation"),
                token__client=client_pk,
                token__is_active=True,
                token__user__is_active=True,
                token__user__deactivated_at=None,
            )
            .first()
        )
        if found is None:
            raise OAuthError("No matching code found.")
        if found.redirect_uri != redirect_uri:
            # Not spent: the client proved its secret, and may put its mistake right.
            raise OAuthError("Redirect URI doesn't match original redirect URI")
        found.delete()
    return found.token


def sweep() -> int:
    """Delete codes that are too old; return how many."""
    return AuthorizationCode.objects.filter(created_at__lte=_oldest()).delete()[0]


def _oldest() -> object:
    return timezone.now() - timedelta(seconds=settings.AUTHORIZATION_CODE_S)


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
