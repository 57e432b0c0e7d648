"""What people report, and what that hides."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

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

    Those whose open reports weigh REPORTS_HIDE_AT together, and those that staff decided to hide.
    Cost: one multi-get; misses two queries on main, two more where so many people reported.
    """
    hidden = get_or_load_many(_KIND, photo_ids, _load_hidden, ttl_s=settings.CACHE_PERMISSION_TTL_S)
    return {photo_id for photo_id, is_hidden in hidden.items() if is_hidden}


def hidden_now(photo_id: int) -> bool:
    """Return the same of one photo, past the cache: for what is written down. Cost: two to four queries on main."""
    return bool(_load_hidden([photo_id])[photo_id])


def _load_hidden(photo_ids: list[int]) -> dict[int, Any]:
    hidden = set(HiddenPhoto.objects.filter(pk__in=photo_ids).values_list("pk", flat=True))
    waiting = Report.objects.filter(kind=Report.Kind.MEDIA, review=Report.Review.OPEN)
    # A reporter weighs less than one: fewer people than that cannot hide a photo.
    many = (
        waiting.filter(target_id__in=set(photo_ids) - hidden)
        .order_by()
        .values("target_id")
        .annotate(people=Count("id"))
        .filter(people__gt=settings.REPORTS_HIDE_AT)
        .values_list("target_id", flat=True)
    )
    reports = list(waiting.filter(target_id__in=list(many)).values_list("target_id", "reporter_id"))
    trust = trust_in({reporter_id for _, reporter_id in reports}) if reports else {}
    weights: dict[int, float] = defaultdict(float)
    for target_id, reporter_id in reports:
        weights[target_id] += trust[reporter_id]
    hidden |= {target_id for target_id, weight in weights.items() if weight >= settings.REPORTS_HIDE_AT}
    return {photo_id: photo_id in hidden for photo_id in photo_ids}


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


@dataclass(frozen=True, slots=True)
class Record:
    """How often somebody's reports were upheld, and dismissed."""

    upheld: int
    wrong: int

    @property
    def trust(self) -> float:
        """Return what their report weighs, between 0 and 1: the share of their earlier ones that staff upheld.

        One right and one wrong are assumed from the start: of somebody new it is a half.
        """
        return (self.upheld + 1) / (self.upheld + self.wrong + 2)


def trust_in(reporter_ids: Iterable[int]) -> dict[int, float]:
    """Return what each person's report weighs (Record.trust). Cost: one query on main."""
    return {user_id: record.trust for user_id, record in records_of(reporter_ids).items()}


def records_of(reporter_ids: Iterable[int]) -> dict[int, Record]:
    """Return how often each person's reports were upheld and dismissed. Cost: one query on main."""
    ids = list(reporter_ids)
    rows = (
        Report.objects.filter(reporter__in=ids)
        .order_by()
        .values("reporter_id")
        .annotate(
            upheld=Count("id", filter=Q(review=Report.Review.UPHELD)),
            wrong=Count("id", filter=Q(review=Report.Review.DISMISSED)),
        )
    )
    found = {row["reporter_id"]: Record(row["upheld"], row["wrong"]) for row in rows}
    return {user_id: found.get(user_id, Record(0, 0)) for user_id in ids}
