"""Shares as clients see them, and the services that a parameter names."""

from collections.abc import Iterable, Sequence
from typing import Any

from api.parameters import Params
from instagram.errors import InvalidParameters, Unavailable
from notifications.sharing.models import Service, Share, Status
from notifications.sharing.services import share

#: As many as there are: what a client sends beyond is not read.
_NAMES = [service.value for service in Service]


def services_of(params: Params) -> list[str]:
    """Return the services that `share_to` names, each once. Raises InvalidParameters for one that is none."""
    named = [name for name in params.get("share_to").lower().replace(" ", "").split(",") if name]
    if unknown := [name for name in named if name not in _NAMES]:
        raise InvalidParameters(f"share_to: no service is called {unknown[0][:40]}")
    return list(dict.fromkeys(named))


def shares_of_upload(*, user_id: int, photo_id: int, services: Sequence[str]) -> list[dict[str, Any]]:
    """Begin the shares that an upload asked for; return their statuses. The photo is published whatever comes of it.

    The job that was committed with the photo does the same a moment later, and alone if this fails.
    """
    try:
        return present_shares(share(user_id=user_id, photo_id=photo_id, services=services, anew=False))
    except Unavailable:
        return [{"service": service, "status": Status.QUEUED.value} for service in services]


def present_shares(shares: Iterable[Share]) -> list[dict[str, Any]]:
    """Return shares: `url` when sent, if the service told one; `reason` when failed."""
    return [_presented(each) for each in shares]


def _presented(share: Share) -> dict[str, Any]:
    told = {"service": share.service, "status": share.status}
    if share.status == Status.SENT:
        return told | {"url": share.url}
    if share.status == Status.FAILED:
        return told | {"reason": share.reason}
    return told
