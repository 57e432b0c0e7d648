"""OAuth clients as requests need them: looked up by client_id, kept in process for a second."""

import hmac
import time
from dataclasses import dataclass, fields

from django.db import connection, transaction

from instagram.errors import InactiveClient, InvalidClient

from .models import OAuthClient

#: Seconds a process believes what it read: switching a client off takes effect within them.
KEEP_S = 1.0
#: Unknown ids are not kept; of known ones no more than this.
KEEP_MOST = 10_000

_kept: dict[str, tuple[float, "Client"]] = {}


@dataclass(frozen=True, slots=True)
class Client:
    """An application."""

    pk: int
    client_id: str
    client_secret: str
    first_party: bool
    xauth: bool
    is_active: bool
    disable_implicit: bool
    enforce_signed_header: bool
    enforce_signed_requests: bool

    def has_secret(self, secret: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.client_secret.encode(), secret.encode())


def authenticate(client_id: str) -> Client:
    """Return the client. Raises InvalidClient, InactiveClient. Cost: one query on main a second and client."""
    read_at, client = _kept.get(client_id, (0.0, None))
    if client is None or time.monotonic() - read_at > KEEP_S:
        row = OAuthClient.objects.filter(client_id=client_id, deleted_at=None).first()
        if row is None:
            raise InvalidClient
        client = of_row(row)
        if len(_kept) > KEEP_MOST:
            _kept.clear()
        _kept[client_id] = time.monotonic(), client
    if not client.is_active:
        raise InactiveClient
    return client


def of_row(row: OAuthClient) -> Client:
    """Return what a request needs to know of a client."""
    return Client(**{field.name: getattr(row, field.name) for field in fields(Client)})


def first_party_client(name: str = "Our own apps") -> OAuthClient:
    """Return the client of our own applications, made at the first call."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Nothing is unique about a name: of two callers at once the second must see what the first made.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('accounts.first_party_client'))")
        client, _ = OAuthClient.objects.get_or_create(name=name, first_party=True, defaults={"xauth": True})
    return client
