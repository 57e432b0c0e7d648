"""How heavy a case is: who reports it, how often they were right before, and how many people it reaches.

A reporter counts for the share of their earlier reports that staff upheld, one right and one wrong assumed from the
start: somebody new for a half, somebody always right for nearly one, a crank for nearly nothing. The sum is multiplied
by the reach, the number of digits of the owner's followers. What programs found counts as one reporter each.
"""

import math
from collections.abc import Iterable

from accounts.queries import counts_of
from accounts.reports import trust_in
from sharding import ShardUnavailable


def weight_of(*, reporter_ids: Iterable[int], flags: int, about_user_id: int) -> float:
    """Return a case's weight. Cost: one query on main, one on the owner's shard; if that is away, the reach is one."""
    return round((sum(trust_in(reporter_ids).values()) + flags) * reach_of(about_user_id), 4)


def reach_of(user_id: int) -> float:
    """Return 1 for somebody nobody follows, 2 for ten followers, 7 for a million."""
    try:
        return 1 + math.log10(1 + counts_of(user_id)["followed_by"])
    except ShardUnavailable:
        return 1.0
