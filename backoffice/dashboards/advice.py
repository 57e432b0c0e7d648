"""What an operator should do about the shards, in sentences, from what was measured. Pure: no clock, no network."""

from collections.abc import Sequence
from datetime import datetime

from . import svg
from .measuring import ServerFacts

#: A disk that is full within so many days asks for something; within so many, today.
SOON_DAYS, NOW_DAYS = 60, 14
#: So many times the mean is uneven: of servers, of logical shards. Below so many rows a second nothing is hot.
UNEVEN, HOT, QUIET_WRITES = 1.5, 5.0, 5.0
#: Bytes below which nothing is large.
SMALL = 1_000_000_000


def advice(servers: Sequence[ServerFacts], away: Sequence[str], today: datetime) -> list[str]:
    """Return what to do, the most urgent first; one sentence that says so when there is nothing."""
    said = [
        f"{name} does not answer: its people are without the service. See /health/deep, then promote its replica."
        for name in away
    ]
    said += _disks(servers, today)
    said += _uneven_servers(servers)
    said += _hot_shards(servers)
    return said or ["Nothing is to be done: the servers are even, and their disks have room."]


def _disks(servers: Sequence[ServerFacts], today: datetime) -> list[str]:
    said = []
    for each in sorted(servers, key=lambda server: server.full_on(today) or datetime.max.replace(tzinfo=today.tzinfo)):
        full = each.full_on(today)
        days = (full - today).days if full else SOON_DAYS
        if full is None or days >= SOON_DAYS:
            continue
        urgency = "today" if days < NOW_DAYS else "soon"
        growth = svg.shown(each.growth, "bytes")
        said.append(
            f"The disk of {each.name} is full on {full:%Y-%m-%d} at its growth of {growth} a day: give it a larger "
            f"one, or place some of its {len(each.shards)} logical shards on a new server, {urgency}."
        )
    return said


def _uneven_servers(servers: Sequence[ServerFacts]) -> list[str]:
    if len(servers) < 2:
        return []
    said = []
    for what, values, unit, least in (
        ("rows written", [server.writes or 0.0 for server in servers], "a second", QUIET_WRITES),
        ("bytes", [float(server.size) for server in servers], "bytes", SMALL),
    ):
        mean = sum(values) / len(values)
        largest, at = max((value, number) for number, value in enumerate(values))
        _, least_at = min((value, number) for number, value in enumerate(values))
        if largest > least and largest > UNEVEN * mean:
            busiest = max(servers[at].shards, key=lambda shard: (shard.writes or 0.0, shard.size))
            said.append(
                f"{servers[at].name} has {largest / mean:.1f} times the mean of {what} ({svg.shown(largest, unit)}): "
                f"move logical shards from it to {servers[least_at].name}, s{busiest.number:04d} first."
            )
    return said


def _hot_shards(servers: Sequence[ServerFacts]) -> list[str]:
    every = [(shard, server.name) for server in servers for shard in server.shards]
    if len(every) < 2:
        return []
    said = []
    mean = sum(shard.writes or 0.0 for shard, _ in every) / len(every)
    hottest, server = max(every, key=lambda pair: pair[0].writes or 0.0)
    if (hottest.writes or 0.0) > max(QUIET_WRITES, HOT * mean):
        said.append(
            f"s{hottest.number:04d} on {server} is hot: {svg.shown(hottest.writes)} rows a second, "
            f"{svg.shown((hottest.writes or 0.0) / mean)} times the mean. See who is most active, below."
        )
    size = sum(shard.size for shard, _ in every) / len(every)
    largest, server = max(every, key=lambda pair: pair[0].size)
    if largest.size > max(SMALL, HOT * size):
        said.append(
            f"s{largest.number:04d} on {server} is large: {svg.shown(largest.size, 'bytes')}, "
            f"{largest.size / size:.1f} times the mean. A logical shard cannot be cut: keep room beside it."
        )
    return said
