"""The photo map's Redis servers and memcached: memory, entries, hits, evictions."""

from collections.abc import Callable
from functools import partial
from typing import Any

import redis
from django.conf import settings
from pymemcache.client.base import Client as MemcachedClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from instagram import topology
from jobs.metrics import Gauge

#: Keys of the map that are looked at to say how many bytes a photo takes.
SAMPLED = 30
#: Bytes of a photo's entry in a row of the map (sharding/photo_map.py): rows from 64 on hold the rare long ones.
_SHORT, _LONG, _ROWS = 5, 12, 64


def sources() -> dict[str, Callable[[], list[Gauge]]]:
    """Return how each server is asked, by name."""
    redises: dict[str, Callable[[], list[Gauge]]] = {
        f"redis {server}": partial(_redis, server) for server in settings.PHOTO_MAP_SERVERS
    }
    return redises | {f"memcached {server}": partial(_memcached, server) for server in settings.MEMCACHED_SERVERS}


def _redis(server: str) -> list[Gauge]:
    host, _, port = topology.primary_address(server).rpartition(":")
    with redis.Redis(
        host=host,
        port=int(port),
        socket_timeout=settings.METRICS_TIMEOUT_S,
        socket_connect_timeout=settings.METRICS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    ) as client:
        info: dict[str, Any] = client.info()
        keys = client.dbsize()
        entry = _bytes_of_an_entry(client)
    labels = {"server": server}
    gauges = [
        Gauge("map_memory_bytes", "Memory of the photo map's Redis.", [(labels, float(info["used_memory"]))]),
        Gauge("map_keys", "Keys of that Redis: the map's buckets, above all.", [(labels, float(keys))]),
        Gauge("map_evicted_total", "Keys it threw out for want of memory.", [(labels, float(info["evicted_keys"]))]),
    ]
    if entry is not None:
        gauges.append(Gauge("map_entry_bytes", "Memory of one photo in the map, by a sample.", [(labels, entry)]))
    return gauges


def _bytes_of_an_entry(client: "redis.Redis") -> float | None:
    """Return the memory of a few buckets by the photos in them; None without a map. Cost: two round trips."""
    prefix = settings.PHOTO_MAP_PREFIX.encode()
    with client.pipeline(transaction=False) as pipeline:
        for _ in range(SAMPLED):
            pipeline.randomkey()
        keys = {key for key in pipeline.execute() if key and key.startswith(prefix) and len(key) == len(prefix) + 5}
        for key in keys:
            pipeline.memory_usage(key)
            pipeline.hgetall(key)
        answers = pipeline.execute()
    memory, rows = sum(filter(None, answers[::2])), answers[1::2]
    photos = sum(
        len(value) // (_SHORT if int(row) < _ROWS else _LONG) for bucket in rows for row, value in bucket.items()
    )
    return memory / photos if photos else None


def _memcached(server: str) -> list[Gauge]:
    host, _, port = server.rpartition(":")
    timeout = settings.METRICS_TIMEOUT_S
    client = MemcachedClient((host, int(port)), connect_timeout=timeout, timeout=timeout)
    try:
        stats = {key.decode(): value for key, value in client.stats().items()}
    finally:
        client.close()
    figures = {
        "memcached_bytes": ("bytes", "Memory of what it holds."),
        "memcached_bytes_most": ("limit_maxbytes", "Memory it may use."),
        "memcached_items": ("curr_items", "Entries it holds."),
        "memcached_evictions_total": ("evictions", "Entries it threw out for want of memory."),
        "memcached_hits_total": ("get_hits", "Reads that found their entry."),
        "memcached_misses_total": ("get_misses", "Reads that did not."),
    }
    return [Gauge(name, text, [({"server": server}, float(stats[stat]))]) for name, (stat, text) in figures.items()]
