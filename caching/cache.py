"""Reading and filling the cache. A kind names what is cached and carries the version of its form: "user:1"."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import orjson
from django.conf import settings
from pymemcache.client.hash import HashClient

Id = TypeVar("Id", int, str)

#: Seconds a tombstone keeps late loaders from storing what they read before the write: longer than any read takes.
TOMBSTONE_S = 10
_TOMBSTONE = b"\x00"

_lock = threading.Lock()
_clients: dict[tuple[str, ...], HashClient] = {}


def get_many(kind: str, ids: Iterable[Id]) -> dict[Id, Any]:
    """Return what is cached, by id. Cost: one round trip per memcached server."""
    keys = {_key(kind, each): each for each in ids}
    if not keys:
        return {}
    found = client().get_many(list(keys))
    return {keys[key]: orjson.loads(value) for key, value in found.items() if value != _TOMBSTONE}


def get_or_load_many(
    kind: str, ids: Iterable[Id], load: Callable[[list[Id]], dict[Id, Any]], *, ttl_s: int
) -> dict[Id, Any]:
    """Return the values of all ids: from the cache, the missing ones from ONE call of `load`, then cached.

    load: a list of ids -> {id: JSON value}; what it leaves out is neither returned nor cached.
    """
    wanted = list(dict.fromkeys(ids))
    found = get_many(kind, wanted)
    missing = [each for each in wanted if each not in found]
    if missing:
        loaded = load(missing)
        memcached = client()
        for each, value in loaded.items():
            memcached.add(_key(kind, each), orjson.dumps(value), expire=ttl_s, noreply=True)
        found |= loaded
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


def client() -> HashClient:
    servers = tuple(settings.MEMCACHED_SERVERS)
    client = _clients.get(servers)
    if client is None:
        with _lock:
            client = _clients.setdefault(
                servers,
                HashClient(
                    [(host, int(port)) for host, _, port in (server.rpartition(":") for server in servers)],
                    use_pooling=True,
                    max_pool_size=32,
                    connect_timeout=settings.CACHE_TIMEOUT_S,
                    timeout=settings.CACHE_TIMEOUT_S,
                    retry_attempts=1,
                    dead_timeout=settings.CACHE_DEAD_RETRY_S,
                    ignore_exc=True,
                    no_delay=True,
                ),
            )
    return client
