"""Linking and unlinking accounts at other services."""

import logging
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from instagram.errors import InvalidParameters
from jobs import enqueue

from ..adapters import is_offered
from ..models import LinkedService
from ..vault import Credentials, seal

log = logging.getLogger(__name__)

#: Characters of an account's name, and of a token: Facebook's have some 250, none says how long they can be.
ACCOUNT_MAX, TOKEN_MAX = 100, 2_000


def link(*, user_id: int, service: str, account: str, token: str, secret: str = "") -> LinkedService:
    """Let us post as an account; the one linked before is replaced. Whether it works shows at the first share.

    Raises InvalidParameters. Cost: one statement on main.
    """
    if not is_offered(service):
        raise InvalidParameters(f"service: accounts of {service} cannot be linked here")
    for name, value, most in (("account", account, ACCOUNT_MAX), ("oauth_token", token, TOKEN_MAX)):
        if not value.strip():
            raise InvalidParameters(f"{name}: this parameter is required")
        if len(value) > most or not value.isprintable():
            raise InvalidParameters(f"{name}: at most {most} printable characters")
    if len(secret) > TOKEN_MAX or not secret.isprintable():
        raise InvalidParameters(f"oauth_secret: at most {TOKEN_MAX} printable characters")
    sealed = seal(Credentials(token.strip(), secret.strip()), user_id=user_id, service=service)
    facts = {"account": account.strip(), "credentials": sealed, "linked_at": timezone.now()}
    linked, _ = LinkedService.objects.update_or_create(user_id=user_id, service=service, defaults=facts)
    return linked


def unlink(*, user_id: int, service: str) -> None:
    """Forget an account and its tokens; nothing linked is fine. What waits to be posted there is not. Cost: one delete.

    The service still lists our permission: it can be withdrawn there, too.
    """
    LinkedService.objects.filter(user=user_id, service=service).delete()


def end_revoked(*, user_id: int, service: str, linked_at: datetime, photo_id: int) -> None:
    """Forget a link whose permission the person withdrew at the service, and say so in their News.

    A newer link stays. photo_id: what was to go there. Cost: one transaction on main with the job in it.
    """
    with transaction.atomic():
        ended, _ = LinkedService.objects.filter(user=user_id, service=service, linked_at=linked_at).delete()
        if ended:
            version = int(timezone.now().timestamp() * 1_000)
            task = "notifications.note_unlinked"
            enqueue(task, user_id=user_id, service=service, photo_id=photo_id, version=version)
            log.info("person %d withdrew our permission at %s", user_id, service)
