"""How many people live on which shards: numbers for a page, not for accounting."""

import contextlib
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.queries import about_how_many, people_by_shard
from caching import get_or_load_many
from sharding import placement
from sharding.deadlines import deadline

#: Seconds the counts are good for. Above so many people PostgreSQL's estimate must do: a count would read them all.
TTL_S, COUNTED_UP_TO = 600, 200_000
#: Seconds main may take for it.
MAIN_S = 1.0
KIND, ALL = "people:1", "all"


@dataclass(frozen=True)
class Affected:
    """Those on some logical shards. share: of all people, 0 to 1; people: None when main was never asked."""

    share: float
    people: int | None


_known: tuple[float, dict[str, Any] | None] = (0.0, None)


def affected(numbers: set[int]) -> Affected:
    """Return how many people live on these logical shards. Cost: none; every TTL_S one look-up."""
    share = round(len(numbers) / settings.LOGICAL_SHARDS, 4)
    counts = _counts()
    if counts is None:
        return Affected(share, None)
    by_shard = counts["by_shard"]
    if by_shard is None:
        return Affected(share, round(counts["total"] * share))
    return Affected(share, sum(by_shard.get(str(number), 0) for number in numbers))


def shards_of(servers: set[str]) -> set[int]:
    """Return the logical shards on these servers as this process knows the placement; empty if it never read it."""
    with contextlib.suppress(Exception):  # main is away and the process is new: nobody can say
        with deadline(MAIN_S):
            names = placement.server_names()
        return {number for number, name in enumerate(names) if name in servers}
    return set()


def _counts() -> dict[str, Any] | None:
    global _known  # noqa: PLW0603  # the process's last answer, for when main is away
    known_at, counts = _known
    if time.monotonic() - known_at > TTL_S or counts is None:
        with contextlib.suppress(Exception):  # the last answer will do
            with deadline(MAIN_S):
                counts = get_or_load_many(KIND, [ALL], lambda _: {ALL: _counted()}, ttl_s=TTL_S)[ALL]
            _known = (time.monotonic(), counts)
    return counts


def _counted() -> dict[str, Any]:
    total = about_how_many()
    if total > COUNTED_UP_TO:
        return {"total": total, "by_shard": None}  # spread evenly, by the remainder of their ids
    by_shard = {str(number): count for number, count in people_by_shard().items()}
    return {"total": sum(by_shard.values()), "by_shard": by_shard}
