"""A fan-out's walk over the followers: chains, one per server, cut into batches of one call per server each.

docs/feeds.md tells why a batch may be done twice and what happens when a server is away.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.queries import counts_of, follower_batch
from jobs import Again, enqueue_many
from sharding import (
    Server,
    ShardMoved,
    ShardUnavailable,
    by_server,
    physical_servers,
    placement,
    shard_of_object,
    shards_on,
    writing,
)

from .progress import FIRST, NOBODY, Batch

#: First and last of some consecutive logical shards.
ShardRange = list[int]
#: A call for some followers of one server: those whose schema is not there, and how many were left out.
Call = Callable[[Server, list[int]], tuple[list[int], int]]

#: The longest rest of the lane of large accounts, seconds.
LONGEST_REST_S = 1.0
_rest_until = 0.0


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a job is in its walk.

    shards: the logical shards its chain serves, fixed for its life so that each follower is in one chain whatever
    moves; None: not cut into chains yet. cursor: [logical shard, follower id] of the last one served.
    """

    photo_id: int
    author_id: int
    shards: list[ShardRange] | None = None
    cursor: list[int] | None = None
    #: The account has so many followers that the lane goes slowly, in short batches with rests.
    large: bool = False

    @property
    def chain(self) -> int:
        """Return the chain's number in the account of progress."""
        return FIRST if self.shards is None else self.shards[0][0]


def serve(walk: Walk, call: Call, *, chains_run: str) -> tuple[Batch, Again | None]:
    """Serve one batch of followers; return the account of it, and where the next one begins (None: nowhere).

    chains_run: name of the task that serves the chains, of accounts with more than one batch of followers.
    """
    begun_at = timezone.now()
    size = settings.FAN_OUT_LARGE_BATCH if walk.large else settings.FAN_OUT_BATCH
    followers = follower_batch(
        walk.author_id,
        shard_numbers=None if walk.shards is None else _numbers(walk.shards),
        after=None if walk.cursor is None else (walk.cursor[0], walk.cursor[1]),
        limit=size,
    )
    more = len(followers) == size
    if walk.shards is None and more:
        total = counts_of(walk.author_id)["followed_by"]
        chains = _cut(walk, chains_run, physical_servers(), large=total >= settings.FAN_OUT_LARGE_FROM)
        return Batch(FIRST, NOBODY, 0, 0, is_last=True, begun_at=begun_at, chains=chains, total=total), None

    away, left_out = on_each_server(followers, call)
    if away and walk.shards is not None:
        raise ShardUnavailable(away[0].name)  # this chain waits for it
    chains = _cut(walk, chains_run, away)
    last = (followers[-1] % settings.LOGICAL_SHARDS, followers[-1]) if followers else NOBODY
    served = len(followers) - sum(len(by_server(followers).get(server, [])) for server in away)
    batch = Batch(
        *(walk.chain, last, served, left_out),
        is_last=not more,
        begun_at=begun_at,
        chains=chains,
        total=len(followers) if walk.shards is None else None,
    )
    return batch, Again(cursor=list(last)) if more else None


def rest() -> None:
    """Wait until the rest that the batch before earned is over."""
    time.sleep(max(0.0, min(_rest_until - time.monotonic(), LONGEST_REST_S)))


def earn_rest(worked_s: float) -> None:
    """Let the next batch of this process wait FAN_OUT_LARGE_REST times as long as this one took."""
    global _rest_until  # noqa: PLW0603  # of the process, whatever chain comes next
    _rest_until = time.monotonic() + worked_s * settings.FAN_OUT_LARGE_REST


def on_each_server(follower_ids: list[int], call: Call) -> tuple[list[Server], int]:
    """Call once per server; return the servers that are away, and how many followers were left out.

    Raises ShardMoved for followers whose schema none would have.
    """
    away = []
    left_out = 0
    for _ in range(2):
        unplaced: list[int] = []
        for server, ids in by_server(follower_ids).items():
            try:
                writing.check(server)
                missing, asleep = call(server, ids)
            except ShardUnavailable:
                away.append(server)
            else:
                unplaced += missing
                left_out += asleep
        if not unplaced:
            return away, left_out
        # Their shard moved since this process read the placement.
        placement.forget()
        follower_ids = unplaced
    raise ShardMoved


def _cut(walk: Walk, chains_run: str, servers: Iterable[Server], *, large: bool = False) -> int:
    """Store a chain for each server that has shards; return how many."""
    facts = {"photo_id": walk.photo_id, "author_id": walk.author_id} | ({"large": True} if large else {})
    numbers = [[shard.number for shard in shards_on(server)] for server in servers]
    chains: list[dict[str, Any]] = [facts | {"shards": _ranges(each)} for each in numbers if each]
    enqueue_many(chains_run, chains, on=shard_of_object(walk.photo_id))
    return len(chains)


def holds(walk: Walk, user_id: int) -> bool:
    """Return whether a person is still before a job: of its chain, and past its cursor."""
    number = user_id % settings.LOGICAL_SHARDS
    if walk.shards is not None and not any(first <= number <= last for first, last in walk.shards):
        return False
    return walk.cursor is None or (number, user_id) > (walk.cursor[0], walk.cursor[1])


def _ranges(numbers: Iterable[int]) -> list[ShardRange]:
    """Return ascending numbers as [first, last] of each consecutive run: half of 2,048 shards in four digits."""
    runs = (list(run) for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]))
    return [[run[0][1], run[-1][1]] for run in runs]


def _numbers(ranges: list[ShardRange]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]
