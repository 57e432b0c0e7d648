"""What of cross-posting goes into an archive: accounts without their tokens, and shares."""

from typing import Any

from accounts.services.exports import register_part
from sharding import shard_of

from .models import Share
from .queries import linked_accounts


def linked_services_of(user_id: int) -> list[Any]:
    """Return a person's accounts at other services."""
    return [{"service": service, "account": account} for service, account in linked_accounts(user_id).items()]


def all_shares_of(user_id: int) -> list[Any]:
    """Return what a person shared, and what became of it."""
    shares = shard_of(user_id).model(Share).objects.filter(user_id=user_id).order_by("photo_id", "service")
    return [
        {"photo_id": str(each.photo_id), "time": str(int(each.asked_at.timestamp()))}
        | {name: getattr(each, name) for name in ("service", "status", "url", "text")}
        for each in shares
    ]


register_part("linked_services", linked_services_of)
register_part("shares", all_shares_of)
