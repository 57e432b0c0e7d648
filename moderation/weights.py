"""How heavy a case is: who reports it, how often they were right before, and how many people it reaches.

A reporter counts for the share of their earlier reports that staff upheld, one right and one wrong assumed from the
start: somebody new for a half, somebody always right for nearly one, a crank for nearly nothing. The sum is multiplied
by the reach, the number of digits of the owner's followers. What programs found counts as one reporter each.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q

from accounts.models import Report
from accounts.queries import counts_of
from sharding import ShardUnavailable

_REVIEW = Report.Review


@dataclass(frozen=True, slots=True)
class Record:
    """How often somebody's reports were upheld, and dismissed."""

    upheld: int
    wrong: int

    @property
    def trust(self) -> float:
        """Return what their report counts for, between 0 and 1."""
        return (self.upheld + 1) / (self.upheld + self.wrong + 2)


def weight_of(*, reporter_ids: Iterable[int], flags: int, about_user_id: int) -> float:
    """Return a case's weight. Cost: one query on main, one on the owner's shard; if that is away, the reach is one."""
    return round((sum(trust_in(reporter_ids).values()) + flags) * reach_of(about_user_id), 4)


def trust_in(reporter_ids: Iterable[int]) -> dict[int, float]:
    """Return what each person's report counts for, between 0 and 1. Cost: one query on main."""
    return {user_id: record.trust for user_id, record in records_of(reporter_ids).items()}


def records_of(reporter_ids: Iterable[int]) -> dict[int, Record]:
    """Return how often each person's reports were upheld and dismissed. Cost: one query on main."""
    ids = list(reporter_ids)
    rows = (
        Report.objects.filter(reporter__in=ids)
        .order_by()
        .values("reporter_id")
        .annotate(
            upheld=Count("id", filter=Q(review=_REVIEW.UPHELD)), wrong=Count("id", filter=Q(review=_REVIEW.DISMISSED))
        )
    )
    found = {row["reporter_id"]: Record(row["upheld"], row["wrong"]) for row in rows}
    return {user_id: found.get(user_id, Record(0, 0)) for user_id in ids}


def reach_of(user_id: int) -> float:
    """Return 1 for somebody nobody follows, 2 for ten followers, 7 for a million."""
    try:
        return 1 + math.log10(1 + counts_of(user_id)["followed_by"])
    except ShardUnavailable:
        return 1.0
