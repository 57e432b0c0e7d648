"""What people report, and what that hides."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from accounts.models import HiddenPhoto, Report
from caching import delete_after_commit, get_or_load_many
from instagram.errors import InvalidParameters
from jobs import enqueue
from sharding import main_server

_KIND = "hidden:1"
TEXT_MAX_CHARS = 1_000


def report(*, reporter_id: int, kind: str, target_id: int, about_user_id: int, reason: str, text: str = "") -> None:
    """Keep a report; a second one by the same person about the same thing changes nothing.

    The caller has checked that the target is there and the reporter may know of it.
    """
    if len(text) > TEXT_MAX_CHARS:
        raise InvalidParameters(f"text: at most {TEXT_MAX_CHARS} characters")
    with transaction.atomic():
        _, is_new = Report.objects.get_or_create(
            reporter_id=reporter_id,
            kind=kind,
            target_id=target_id,
            defaults={"about_user_id": about_user_id, "reason": reason, "text": text},
        )
        if is_new:
            enqueue("moderation.note_reports", kind=kind, target_id=target_id, about_user_id=about_user_id)
            if kind == Report.Kind.MEDIA:
                forget([target_id])


def hidden_by_reports(photo_ids: Iterable[int]) -> set[int]:
    """Return which photos Popular, tags and other public lists leave out.

    Those that REPORTS_HIDE_AT different people reported and staff has not looked at, and those where staff agreed or
    decided so by itself. Cost: one multi-get; misses two queries on main.
    """

    def load(missing: list[int]) -> dict[int, Any]:
        found = dict.fromkeys(missing, False)
        rows = (
            Report.objects.filter(kind=Report.Kind.MEDIA, target_id__in=missing)
            .values_list("target_id", "review")
            .annotate(Count("id"))
            .order_by()
        )
        for target_id, review, number in rows:
            if review == Report.Review.UPHELD or (review == Report.Review.OPEN and number >= settings.REPORTS_HIDE_AT):
                found[target_id] = True
        found.update(dict.fromkeys(HiddenPhoto.objects.filter(pk__in=missing).values_list("pk", flat=True), True))
        return found

    hidden = get_or_load_many(_KIND, photo_ids, load, ttl_s=settings.CACHE_PERMISSION_TTL_S)
    return {photo_id for photo_id, is_hidden in hidden.items() if is_hidden}


def set_hidden(photo_ids: Iterable[int], *, hidden: bool) -> None:
    """Hide photos from public lists, or show them there again, whatever was reported; in a transaction on main."""
    ids = list(photo_ids)
    if hidden:
        HiddenPhoto.objects.bulk_create([HiddenPhoto(photo_id=each) for each in ids], ignore_conflicts=True)
    else:
        HiddenPhoto.objects.filter(pk__in=ids).delete()
    forget(ids)


def forget(photo_ids: Iterable[int]) -> None:
    """Have what is hidden read anew after the commit of the open transaction on main."""
    delete_after_commit(main_server(), _KIND, list(photo_ids))
