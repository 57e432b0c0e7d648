"""Asking for a photo to be posted elsewhere. The posting itself is a job per service: sending.py."""

from collections.abc import Iterable, Sequence

from django.utils import timezone

from jobs import enqueue_many
from sharding import shard_of

from ..adapters import is_offered
from ..models import Service, Share, Status
from ..queries import linked_accounts, shares_of


def share(*, user_id: int, photo_id: int, services: Sequence[str], text: str = "", anew: bool = True) -> list[Share]:
    """Have a photo posted at services; return the person's shares of it there.

    A photo goes to a service once per person: what is queued or sent stays as it is, so a repeat posts nothing twice.
    anew: what failed or was not linked is tried again; False where this may be the same act once more, as for an
    upload's retry.
    The caller has checked that the person may share it. Raises ShardUnavailable.
    Cost: one query on main, one transaction on the sharer's shard with the jobs in it.
    """
    wanted = list(dict.fromkeys(services))
    if not wanted:
        return []
    linked = linked_accounts(user_id)
    shard = shard_of(user_id)
    with shard.atomic():
        shares = shard.model(Share).objects
        facts = {"user_id": user_id, "photo_id": photo_id, "text": text, "asked_at": timezone.now(), "asked": 0}
        shares.bulk_create(
            [shard.model(Share)(service=each, status=Status.NOT_LINKED, **facts) for each in wanted],
            ignore_conflicts=True,
        )
        of_photo = shares.select_for_update().filter(user_id=user_id, photo_id=photo_id, service__in=wanted)
        begun = [each for each in of_photo.order_by("service") if _is_to_begin(each, anew=anew)]
        for each in begun:
            _begin(each, text, linked=each.service in linked and is_offered(each.service))
        jobs = [
            {"user_id": user_id, "photo_id": photo_id, "service": each.service, "asked": each.asked}
            for each in begun
            if each.status == Status.QUEUED
        ]
        enqueue_many("notifications.send_share", jobs, on=shard)
    return [each for each in shares_of(user_id, photo_id) if each.service in wanted]


def known(names: Iterable[str]) -> list[str]:
    """Return the names that are services, in the contract's order."""
    asked = set(names)
    return [service.value for service in Service if service.value in asked]


def _is_to_begin(share: Share, *, anew: bool) -> bool:
    if not share.asked:  # new
        return True
    return anew and share.status in (Status.FAILED, Status.NOT_LINKED)


def _begin(share: Share, text: str, *, linked: bool) -> None:
    share.status = Status.QUEUED if linked else Status.NOT_LINKED
    share.asked += 1
    share.asked_at = timezone.now()
    share.text, share.reason, share.tries, share.busy_until = text, "", 0, None
    # `begun` stays: an attempt of an earlier asking may have posted after all.
    share.save(update_fields=["status", "asked", "asked_at", "text", "reason", "tries", "busy_until"])
