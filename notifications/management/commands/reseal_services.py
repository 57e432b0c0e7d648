"""`manage.py reseal_services`: encrypt the tokens of linked accounts under the first of SERVICE_TOKEN_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand

from notifications.sharing.models import LinkedService
from notifications.sharing.vault import Unreadable, reseal

#: Links read at a time.
BATCH = 1_000


class Command(BaseCommand):
    """Reseal all links; repeatable, and while the service runs."""

    help = "Encrypt the tokens of linked accounts under the first of SERVICE_TOKEN_KEYS; then the others can go."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Go through all links in batches; say how many no key opens."""
        last, resealed, unreadable = 0, 0, 0
        while batch := list(LinkedService.objects.filter(pk__gt=last).order_by("pk")[:BATCH]):
            for linked in batch:
                try:
                    sealed = reseal(linked.credentials)
                except Unreadable:
                    unreadable += 1
                    continue
                # Unless it was linked anew meanwhile: that one has the first key already.
                same = LinkedService.objects.filter(pk=linked.pk, credentials=linked.credentials)
                resealed += same.update(credentials=sealed)
            last = batch[-1].pk
        self.stdout.write(f"{resealed} links resealed, {unreadable} that no key opens: their people must link again.")
