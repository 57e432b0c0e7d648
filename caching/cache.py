"""Reading and filling the cache. A kind names what is cached and carries the version of its form: "user:1"."""

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import orjson
from django.conf import settings

from instagram import tracing
from instagram.counting import count

from .servers import client

Id = TypeVar("Id", int, str)

#: Seconds a tombstone keeps late loaders from storing what they read before the write: longer than any read
#: takes (DB_ANSWER_TIMEOUT_S).
TOMBSTONE_S = 8
_TOMBSTONE = b"\x00"
#: More misses than that at once are a cold page, not a hot entry: it is loaded without asking for so many leases.
LEASES_MOST = 10
#: Seconds a lease lives at most: longer than any load takes. Seconds others wait for its holder, and between two looks.
LEASE_S, LEASE_WAIT_S, LEASE_POLL_S = 3, 0.25, 0.01


def get_many(kind: str, ids: Iterable[Id]) -> dict[Id, Any]:
    """Return what is cached, by id. Cost: one round trip per memcached server."""
    return _look_up(kind, ids)[0]


def get_or_load_many(
    kind: str, ids: Iterable[Id], load: Callable[[list[Id]], dict[Id, Any]], *, ttl_s: int
) -> dict[Id, Any]:
    """Return the values of all ids: from the cache, the missing ones from ONE call of `load`, then cached.

    load: a list of ids -> {id: JSON value}; what it leaves out is neither returned nor cached.
    A hot entry that expires does not stampede: the first who misses it takes a lease and loads, the others wait for
    the value, LEASE_WAIT_S at most (after "Scaling Memcache at Facebook", 2013); what they wait for in vain is loaded
    by a second call. Cost: one multi-get; for each missing id one short request more.
    """
    wanted = list(dict.fromkeys(ids))
    found, deleted = _look_up(kind, wanted)
    missing = [each for each in wanted if each not in found]
    if not missing:
        return found
    if len(missing) > LEASES_MOST:
        return found | _load(kind, missing, load, ttl_s)
    memcached = client()
    # Nobody can store what was just deleted, so nobody need wait for it. A server that is away answers False at
    # once: then nobody holds a lease, and the wait is over before it began.
    taken = {
        each
        for each in missing
        if each not in deleted and memcached.add(_lease(kind, each), b"", expire=LEASE_S, noreply=False)
    }
    mine = [each for each in missing if each in taken or each in deleted]
    if mine:
        try:
            found |= _load(kind, mine, load, ttl_s)
        finally:
            memcached.delete_many([_lease(kind, each) for each in taken])
    others = [each for each in missing if each not in taken and each not in deleted]
    if others:
        found |= _await(kind, others)
        late = [each for each in others if each not in found]
        if late:
            found |= _load(kind, late, load, ttl_s)
    return found


def _look_up(kind: str, ids: Iterable[Id]) -> tuple[dict[Id, Any], set[Id]]:
    """Return what is cached, and which were deleted a moment ago."""
    keys = {_key(kind, each): each for each in ids}
    if not keys:
        return {}, set()
    values = client().get_many(list(keys))
    found = {keys[key]: orjson.loads(value) for key, value in values.items() if value != _TOMBSTONE}
    tracing.add("cache_keys", times=len(keys))
    tracing.add("cache_hits", times=len(found))
    name = kind.partition(":")[0]
    count("cache_hits", len(found), kind=name)
    count("cache_misses", len(keys) - len(found), kind=name)
    return found, {keys[key] for key, value in values.items() if value == _TOMBSTONE}


def _load(kind: str, ids: list[Id], load: Callable[[list[Id]], dict[Id, Any]], ttl_s: int) -> dict[Id, Any]:
    loaded = load(ids)
    memcached = client()
    for each, value in loaded.items():
        memcached.add(_key(kind, each), orjson.dumps(value), expire=ttl_s, noreply=True)
    return loaded


def _await(kind: str, ids: list[Id]) -> dict[Id, Any]:
    """Return what holders of leases bring meanwhile; give up on ids whose lease ended without a value."""
    found: dict[Id, Any] = {}
    give_up = time.monotonic() + LEASE_WAIT_S
    while ids and time.monotonic() < give_up:
        leases = {_lease(kind, each): each for each in ids}
        held = {leases[key] for key in client().get_many(list(leases))}
        # After the leases: whoever gave one back had stored its value before.
        found |= get_many(kind, ids)
        ids = [each for each in held if each not in found]
        if ids:
            time.sleep(LEASE_POLL_S)
    return found


def delete(kind: str, ids: Iterable[Id]) -> bool:
    """Put tombstones over what is cached; False if a server did not confirm."""
    keys = [_key(kind, each) for each in ids]
    memcached = client()
    # The answer matters: a server that was away must not come back with what we deleted.
    confirmed = [memcached.set(key, _TOMBSTONE, expire=TOMBSTONE_S, noreply=False) for key in keys]
    return all(confirmed)


def _key(kind: str, each: object) -> str:
    return f"{settings.CACHE_PREFIX}{kind}:{each}"


def _lease(kind: str, each: object) -> str:
    return f"{settings.CACHE_PREFIX}lease:{kind}:{each}"
