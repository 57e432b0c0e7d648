"""Reads about linked accounts and shares. None writes."""

from dataclasses import dataclass

from sharding import shard_of

from .models import LinkedService, Service, Share
from .vault import Credentials, Unreadable, unseal

_ORDER = {service.value: place for place, service in enumerate(Service)}


@dataclass(frozen=True, slots=True)
class Link:
    """An account to post as. credentials: None if no key of ours opens them any more."""

    row: LinkedService
    credentials: Credentials | None


def linked_accounts(user_id: int) -> dict[str, str]:
    """Return a person's accounts by service. Cost: one query on main."""
    return dict(LinkedService.objects.filter(user=user_id).values_list("service", "account"))


def link_to(user_id: int, service: str) -> Link | None:
    """Return a person's link to a service, credentials open. Cost: one query on main."""
    row = LinkedService.objects.filter(user=user_id, service=service).first()
    if row is None:
        return None
    try:
        return Link(row, unseal(row.credentials, user_id=user_id, service=service))
    except Unreadable:
        return Link(row, None)


def share_of(user_id: int, photo_id: int, service: str) -> Share | None:
    """Return one share. Cost: one query on the sharer's shard. Raises ShardUnavailable."""
    shares = shard_of(user_id).model(Share).objects
    return shares.filter(user_id=user_id, photo_id=photo_id, service=service).first()


def shares_of(user_id: int, photo_id: int) -> list[Share]:
    """Return a person's shares of a photo, services in the contract's order. Cost: one query on the sharer's shard.

    Raises ShardUnavailable.
    """
    shares = shard_of(user_id).model(Share).objects.filter(user_id=user_id, photo_id=photo_id)
    return sorted(shares, key=lambda share: _ORDER[share.service])
