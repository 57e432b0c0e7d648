"""Where a request's or a job's time went, out of its trace: a few words for a log line, everything for whoever asks."""

from typing import Any

from django.conf import settings

from instagram.tracing import Trace
from sharding import shard_of

#: What of a trace is time, none of it inside another: the rest of the whole is our own code, and waiting for the CPU.
OF_SQL, OTHERS = ("sql", "commit", "connect"), ("cache", "redis", "gearman", "s3", "http")
TIMED = (*OF_SQL, *OTHERS)
#: Logical shards that are named; a page of many people touches many.
SHARDS_NAMED = 20


def total(trace: Trace, what: str) -> tuple[int, float]:
    """Return how often something was done, wherever, and the milliseconds it took."""
    found = [cost for (kind, _), cost in list(trace.costs.items()) if kind == what]
    return int(sum(cost[0] for cost in found)), _ms(sum(cost[1] for cost in found))


def in_short(trace: Trace) -> dict[str, list[float]]:
    """Return {"sql": [times, ms], …} of what was done at all, commits and new connections as SQL."""
    short: dict[str, list[float]] = {}
    for (what, _), (times, seconds) in list(trace.costs.items()):
        if what in TIMED:
            name = "sql" if what in OF_SQL else what
            so_far = short.setdefault(name, [0, 0.0])
            so_far[0] += int(times) if name == what else 0
            so_far[1] += seconds
    return {name: [times, _ms(seconds)] for name, (times, seconds) in short.items()}


def in_words(trace: Trace) -> str:
    """Return the same as words: "sql 3 in 12.1 ms, cache 4 in 0.8 ms"."""
    return ", ".join(f"{name} {times} in {ms} ms" for name, (times, ms) in in_short(trace).items()) or "nothing asked"


def whole(trace: Trace) -> dict[str, Any]:
    """Return everything that is known of a request's way, times in milliseconds.

    pool_wait_at_most_ms: PgBouncer does not say how long it made somebody wait for a server connection. The wait is
    inside the first statement of each transaction; their sum bounds it from above.
    """
    seconds = trace.seconds
    where = {name for what, name in list(trace.costs) if what in OF_SQL}
    spent = sum(cost[1] for (what, _), cost in list(trace.costs.items()) if what in TIMED)
    keys, hits = total(trace, "cache_keys")[0], total(trace, "cache_hits")[0]
    found: dict[str, Any] = {
        "total_ms": _ms(seconds),
        "own_code_ms": _ms(max(0.0, seconds - spent)),
        "sql": {name: _of_server(trace, name) for name in sorted(where)},
        **{what: _times(trace, what) for what in OTHERS},
        "jobs": {name: int(cost[0]) for (what, name), cost in list(trace.costs.items()) if what == "job"},
    }
    found["cache"] |= {"keys": keys, "hits": hits}
    if trace.user_id is not None:
        found = {"shard": " on ".join(filter(None, home_of(trace.user_id)))} | found
    if trace.schemas is not None:
        found["logical_shards"] = len(trace.schemas)
        found["logical_shards_named"] = sorted(trace.schemas)[:SHARDS_NAMED]
    return found


def _of_server(trace: Trace, name: str) -> dict[str, float]:
    def cost(what: str) -> list[float]:
        return trace.costs.get((what, name), [0, 0.0])

    found = {"queries": int(cost("sql")[0]), "ms": _ms(cost("sql")[1])}
    found["pool_wait_at_most_ms"] = _ms(cost("sql_first")[1])
    if cost("commit")[0]:
        found |= {"commits": int(cost("commit")[0]), "commit_ms": _ms(cost("commit")[1])}
    if cost("connect")[0]:
        found |= {"connects": int(cost("connect")[0]), "connect_ms": _ms(cost("connect")[1])}
    return found


def _times(trace: Trace, what: str) -> dict[str, float]:
    times, ms = total(trace, what)
    return {"times": times, "ms": ms}


def home_of(user_id: int) -> tuple[str, str]:
    """Return a person's logical shard and its server, by name; no server where the placement cannot be read now."""
    try:
        shard = shard_of(user_id)
    except Exception:  # a report about a placement that cannot be read must not fail for it
        return f"s{user_id % settings.LOGICAL_SHARDS:04d}", ""
    return shard.schema, shard.server.name


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
