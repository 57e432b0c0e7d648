"""Photo -> user: which user made a photo, kept in Redis in about ten bytes an entry.

One hash per (logical shard, window of 2^24 ms = 4.66 h), small enough to stay a listpack. Field: the id's milliseconds
within the window, three raw bytes; with the sequence, two bytes more, in the rare case it is not 0. Value:
user_id // N - 4096 (the shard gives the remainder; Redis packs -4096 to 4095 into two bytes). Ids come back exactly.
Nothing is lost with Redis: a miss heals from the id's own shard, rebuild_photo_map makes the whole map anew.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import redis
from django.conf import settings

from . import ids
from .shard import Shard

log = logging.getLogger(__name__)

WINDOW_BITS = 24
_OFFSET_MASK = (1 << WINDOW_BITS) - 1
_VALUE_SHIFT = 4096
#: Seconds a server that failed is left alone; its ids are answered by their shards meanwhile.
PAUSE_S = 1.0

_lock = threading.Lock()
_clients: dict[str, redis.Redis] = {}
_paused: dict[str, float] = {}
_source: Callable[[Shard], Iterator[dict[int, int]]] | None = None

Heal = Callable[[list[int]], dict[int, int]]


def register_source(source: Callable[[Shard], Iterator[dict[int, int]]]) -> None:
    """Say how to read a shard's photos, in batches of {photo id: user id}: the photos room does."""
    global _source  # noqa: PLW0603  # the one source
    _source = source


def remember(users: dict[int, int]) -> None:
    """Store {photo id: user id}. A server that is down is left out: its misses heal later."""
    for server, photo_ids in _by_server(users).items():
        try:
            pipeline = _client(server).pipeline(transaction=False)
            for photo_id in photo_ids:
                key, field = place(photo_id)
                pipeline.hset(key, field, _value(users[photo_id]))
            pipeline.execute()
        except redis.RedisError as error:
            _pause(server, error)


def users_of(photo_ids: Iterable[int], heal: Heal) -> dict[int, int]:
    """Return {photo id: user id}; unknown ids are left out.

    heal: reads ids that the map misses from their own shards; what it finds is stored.
    Cost: one round trip per Redis server, whatever the number of ids.
    """
    found: dict[int, int] = {}
    wanted = list(dict.fromkeys(photo_ids))
    for server, ids_there in _by_server(wanted).items():
        try:
            pipeline = _client(server).pipeline(transaction=False)
            for photo_id in ids_there:
                pipeline.hget(*place(photo_id))
            answers = pipeline.execute()
        except redis.RedisError as error:
            _pause(server, error)
            continue
        for photo_id, answer in zip(ids_there, answers, strict=True):
            if answer is not None:
                found[photo_id] = _user(photo_id, int(answer))
    missing = [photo_id for photo_id in wanted if photo_id not in found]
    if missing:
        healed = heal(missing)
        remember(healed)
        found |= healed
    return found


def forget(photo_ids: Iterable[int]) -> None:
    """Drop entries of deleted photos."""
    for server, ids_there in _by_server(photo_ids).items():
        try:
            pipeline = _client(server).pipeline(transaction=False)
            for photo_id in ids_there:
                pipeline.hdel(*place(photo_id))
            pipeline.execute()
        except redis.RedisError as error:
            _pause(server, error)


def rebuild(shard: Shard) -> int:
    """Store all photos of one shard; return how many. May run at any time, beside the service."""
    if _source is None:
        raise RuntimeError("no room said how to read photos: register_source()")
    stored = 0
    for users in _source(shard):
        remember(users)
        stored += len(users)
    return stored


def place(photo_id: int) -> tuple[bytes, bytes]:
    """Return the hash key and field of a photo: together they hold the whole id."""
    milliseconds, shard, sequence = ids.parts(photo_id)
    window, offset = milliseconds >> WINDOW_BITS, milliseconds & _OFFSET_MASK
    key = settings.PHOTO_MAP_PREFIX.encode() + shard.to_bytes(2, "big") + window.to_bytes(2, "big")
    field = offset.to_bytes(3, "big")
    return key, field + sequence.to_bytes(2, "big") if sequence else field


def _value(user_id: int) -> int:
    return user_id // settings.LOGICAL_SHARDS - _VALUE_SHIFT


def _user(photo_id: int, value: int) -> int:
    return (value + _VALUE_SHIFT) * settings.LOGICAL_SHARDS + ids.logical_shard_of(photo_id)


def _by_server(photo_ids: Iterable[int]) -> dict[str, list[int]]:
    """Group ids by Redis server, leaving out servers that failed a moment ago."""
    servers = settings.PHOTO_MAP_SERVERS
    groups: dict[str, list[int]] = {}
    for photo_id in photo_ids:
        server = servers[ids.logical_shard_of(photo_id) % len(servers)]
        if _paused.get(server, 0.0) < time.monotonic():
            groups.setdefault(server, []).append(photo_id)
    return groups


def _pause(server: str, error: Exception) -> None:
    log.warning("the photo map's server %s is away: %s", server, error)
    _paused[server] = time.monotonic() + PAUSE_S


def _client(server: str) -> redis.Redis:
    client = _clients.get(server)
    if client is None:
        host, _, port = server.rpartition(":")
        with _lock:
            client = _clients.setdefault(
                server,
                redis.Redis(
                    host=host,
                    port=int(port),
                    socket_timeout=settings.PHOTO_MAP_TIMEOUT_S,
                    socket_connect_timeout=settings.PHOTO_MAP_TIMEOUT_S,
                ),
            )
    return client
