"""Reads about applications: a developer's own, and those a person let in."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import AccessToken, OAuthClient

#: More than anybody looks through; the page is one.
AUTHORISED_MOST = 500


@dataclass(frozen=True, slots=True)
class Authorised:
    """An application that may act for a person; `token_id` is what to revoke."""

    token_id: int
    name: str
    website: str
    description: str
    scopes: tuple[str, ...]
    since: datetime


def applications_of(owner_id: int) -> list[OAuthClient]:
    """Return a developer's applications, newest first. Cost: one query on main."""
    return list(OAuthClient.objects.filter(owner=owner_id, deleted_at=None).order_by("-pk"))


def application_of(owner_id: int, client_id: str) -> OAuthClient | None:
    """Return one of a developer's applications, None for somebody else's. Cost: one query on main."""
    return OAuthClient.objects.filter(owner=owner_id, client_id=client_id, deleted_at=None).first()


def authorised_by(user_id: int) -> list[Authorised]:
    """Return the applications that may act for a person, latest first. Cost: one query on main."""
    rows = AccessToken.objects.filter(user=user_id, is_active=True, client__deleted_at=None).select_related("client")
    return [
        Authorised(
            row.pk,
            row.client.name,
            row.client.website,
            row.client.description,
            ("basic", *row.scopes.split()) if not row.client.first_party else (),
            row.created_at,
        )
        for row in rows.order_by("-pk")[:AUTHORISED_MOST]
    ]
