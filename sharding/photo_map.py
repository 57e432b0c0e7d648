"""Photo -> user: which user made a photo, kept in Redis in six bytes an entry.

One small hash (a bucket) per logical shard and 64 rows of time; a row is 2^PHOTO_MAP_ROW_BITS ms (22: 70 minutes).
Field: the row's number. Value: the row's photos, five bytes each: three of milliseconds within the row and the low
bits of the sequence, two of user_id // LOGICAL_SHARDS (the shard gives the remainder). The rare photo that does not fit
(its sequence is over 3, or its user beyond 65,536 * LOGICAL_SHARDS) stands in twelve bytes in the second row of
that time. So ids and users come back exactly. docs/photo-map.md: why so, and the measured sizes.
Nothing is lost with Redis: a miss heals from the id's own shard, rebuild_photo_map makes the whole map anew.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from instagram.counting import count

from . import ids, redis_servers
from .shard import Shard

ROWS = 64
#: Bits of milliseconds a row can have at most: with two of the sequence they fill the three bytes of a short head.
MAX_ROW_BITS = 22
_SHORT_SEQUENCES = 4
_SHORT_HEAD, _SHORT_USER = 3, 2
_LONG_HEAD, _LONG_USER = 4, 8
#: Seconds that rebuild() waits for a Redis server to come back.
PATIENCE_S = 10.0

Heal = Callable[[list[int]], dict[int, int]]
Source = Callable[[Shard], Iterator[dict[int, int]]]

# Redis runs a script alone, so two writers of one row cannot undo each other; repeating one changes nothing.
_EDIT = b"""
-- ARGV: row, heads of entries to drop, entries to append; and so on.
for at = 1, #ARGV, 3 do
  local row, drop, append = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local head, size = 3, 5
  if tonumber(row) >= 64 then head, size = 4, 12 end
  local old = redis.call('HGET', KEYS[1], row)
  if old then
    local dropped, kept = {}, {}
    for i = 1, #drop, head do dropped[drop:sub(i, i + head - 1)] = true end
    for i = 1, #old, size do
      if not dropped[old:sub(i, i + head - 1)] then kept[#kept + 1] = old:sub(i, i + size - 1) end
    end
    append = table.concat(kept) .. append
  end
  if append ~= '' then
    redis.call('HSET', KEYS[1], row, append)
  elseif old then
    redis.call('HDEL', KEYS[1], row)
  end
end
"""
_EDIT_SHA = hashlib.sha1(_EDIT, usedforsecurity=False).hexdigest()

_source: Source | None = None


class Place(NamedTuple):
    """Where a photo stands: bucket, row, and what its entry begins with there; together they hold the whole id."""

    key: bytes
    row: int
    #: Empty if only the long form can say the id.
    short_head: bytes
    #: In row + ROWS.
    long_head: bytes


@dataclass(frozen=True, slots=True)
class Comparison:
    """What check() found in a shard: photos, those the map has not, those it gives to somebody else."""

    photos: int
    missing: int
    wrong: int


class MapUnavailable(Exception):
    """A Redis server stayed away: raised only where an operator asked for the whole map."""

    def __init__(self, server: str) -> None:
        super().__init__(f"Redis server {server} does not answer")


def register_source(source: Source) -> None:
    """Say how to read a shard's photos, in batches of {photo id: user id} by id: the photos room does."""
    global _source  # noqa: PLW0603  # the one source
    _source = source


def remember(users: Mapping[int, int]) -> None:
    """Store {photo id: user id}, over what was there. A server that is away is left out: its misses heal later.

    Cost: one round trip per Redis server. Raises ValueError for a user who does not live on the photo's shard.
    """
    redis_servers.ask(_edits(users))


def users_of(photo_ids: Iterable[int], heal: Heal) -> dict[int, int]:
    """Return {photo id: user id}; unknown ids, and numbers that no id here can be, are left out.

    heal: reads the ids that the map misses from their own shards, in one call; what it finds is stored.
    Cost: one round trip per Redis server, whatever the number of ids; the same again to store what was healed.
    """
    wanted = [photo_id for photo_id in dict.fromkeys(photo_ids) if _possible(photo_id)]
    found = _look_up(wanted)
    missing = [photo_id for photo_id in wanted if photo_id not in found]
    count("map_hits", len(found))
    count("map_misses", len(missing))
    if missing:
        healed = heal(missing)
        if healed:
            remember(healed)
            found |= healed
    return found


def forget(photo_ids: Iterable[int]) -> None:
    """Drop entries of deleted photos."""
    redis_servers.ask(_edits({photo_id: None for photo_id in photo_ids if _possible(photo_id)}))


def rebuild(shard: Shard) -> int:
    """Store all photos of one shard; return how many. May run and be repeated at any time, beside the service.

    Cost: about 100,000 photos/s. Raises MapUnavailable, ShardUnavailable.
    """
    stored = 0
    for users in _registered_source()(shard):
        _insist(_edits(users))
        stored += len(users)
    return stored


def check(shard: Shard) -> Comparison:
    """Hold the map against all photos of one shard. Photos published meanwhile may count as missing.

    Raises MapUnavailable, ShardUnavailable.
    """
    photos = missing = wrong = 0
    for users in _registered_source()(shard):
        _insist({server_of(next(iter(users))): [("PING",)]})
        found = _look_up(users)
        photos += len(users)
        missing += len(users) - len(found)
        wrong += sum(users[photo_id] != user_id for photo_id, user_id in found.items())
    return Comparison(photos, missing, wrong)


def place(photo_id: int) -> Place:
    """Return where a photo stands. Raises ValueError for what is no id."""
    milliseconds, shard, sequence = ids.parts(photo_id)
    bits = _row_bits()
    bucket, row = divmod(milliseconds >> bits, ROWS)
    offset = milliseconds & ((1 << bits) - 1)
    key = settings.PHOTO_MAP_PREFIX.encode() + shard.to_bytes(2, "big") + bucket.to_bytes(3, "big")
    short = (offset * _SHORT_SEQUENCES | sequence).to_bytes(_SHORT_HEAD, "big") if sequence < _SHORT_SEQUENCES else b""
    return Place(key, row, short, (offset << ids.SEQUENCE_BITS | sequence).to_bytes(_LONG_HEAD, "big"))


def server_of(photo_id: int) -> str:
    """Return the Redis server that knows a photo: number (logical shard % servers) of PHOTO_MAP_SERVERS."""
    servers: list[str] = settings.PHOTO_MAP_SERVERS
    return servers[ids.logical_shard_of(photo_id) % len(servers)]


def _look_up(photo_ids: Iterable[int]) -> dict[int, int]:
    places = {photo_id: place(photo_id) for photo_id in photo_ids}
    rows_wanted: dict[str, dict[bytes, dict[int, None]]] = {}
    for photo_id, where in places.items():
        rows = rows_wanted.setdefault(server_of(photo_id), {}).setdefault(where.key, {})
        if where.short_head:
            rows[where.row] = None
        rows[where.row + ROWS] = None
    answers = redis_servers.ask(
        {server: [("HMGET", key, *rows) for key, rows in buckets.items()] for server, buckets in rows_wanted.items()}
    )
    rows_found = {
        (key, row): value
        for server, values_of_buckets in answers.items()
        for (key, rows), values in zip(rows_wanted[server].items(), values_of_buckets, strict=True)
        for row, value in zip(rows, values, strict=True)
        if value is not None
    }
    found = {}
    for photo_id, where in places.items():
        entry = None
        if where.short_head:
            entry = _entry(rows_found.get((where.key, where.row)), where.short_head, _SHORT_USER)
        if entry is None:
            entry = _entry(rows_found.get((where.key, where.row + ROWS)), where.long_head, _LONG_USER)
        if entry is not None:
            quotient = int.from_bytes(entry, "big")
            found[photo_id] = quotient * settings.LOGICAL_SHARDS + ids.logical_shard_of(photo_id)
    return found


def _entry(row: bytes | None, head: bytes, user_bytes: int) -> bytes | None:
    """Return what follows `head` in a row, if an entry begins with it."""
    if row is None:
        return None
    at = row.find(head)
    while at >= 0 and at % (len(head) + user_bytes):  # the same bytes across two entries
        at = row.find(head, at + 1)
    return row[at + len(head) : at + len(head) + user_bytes] if at >= 0 else None


def _edits(users: Mapping[int, int | None]) -> dict[str, list[redis_servers.Command]]:
    """Return the commands that store photos with their users, None for forget, by server; no photo stands twice."""
    edits: dict[str, dict[bytes, dict[int, tuple[bytearray, bytearray]]]] = {}
    for photo_id, user_id in users.items():
        where = place(photo_id)
        rows = edits.setdefault(server_of(photo_id), {}).setdefault(where.key, {})
        quotient = None if user_id is None else _quotient(photo_id, user_id)
        as_short = bool(where.short_head) and quotient is not None and quotient < 1 << 8 * _SHORT_USER
        if where.short_head:
            drop, append = rows.setdefault(where.row, (bytearray(), bytearray()))
            drop += where.short_head
            if quotient is not None and as_short:
                append += where.short_head + quotient.to_bytes(_SHORT_USER, "big")
        drop, append = rows.setdefault(where.row + ROWS, (bytearray(), bytearray()))
        drop += where.long_head
        if quotient is not None and not as_short:
            append += where.long_head + quotient.to_bytes(_LONG_USER, "big")
    return {
        server: [
            ("SCRIPT LOAD", _EDIT),  # every time: a server that restarted has forgotten it
            *(("EVALSHA", _EDIT_SHA, 1, key, *_arguments(rows)) for key, rows in buckets.items()),
        ]
        for server, buckets in edits.items()
    }


def _arguments(rows: Mapping[int, tuple[bytearray, bytearray]]) -> Iterator[Any]:
    for row, (drop, append) in rows.items():
        yield from (row, bytes(drop), bytes(append))


def _quotient(photo_id: int, user_id: int) -> int:
    quotient, remainder = divmod(user_id, settings.LOGICAL_SHARDS)
    if user_id < 0 or remainder != ids.logical_shard_of(photo_id):
        raise ValueError(f"user {user_id} cannot have made photo {photo_id}: they live on different logical shards")
    return quotient


def _insist(commands: Mapping[str, list[redis_servers.Command]]) -> None:
    """Ask until every server has answered. Raises MapUnavailable when one stays away."""
    left = dict(commands)
    give_up = time.monotonic() + PATIENCE_S
    while True:
        for server in redis_servers.ask(left):
            del left[server]
        if not left:
            return
        if time.monotonic() > give_up:
            raise MapUnavailable(next(iter(left)))
        time.sleep(redis_servers.PAUSE_S / 4)


def _registered_source() -> Source:
    if _source is None:
        raise RuntimeError("no room said how to read photos: register_source()")
    return _source


def _possible(photo_id: int) -> bool:
    return 0 <= photo_id <= ids.MAX_ID and ids.logical_shard_of(photo_id) < settings.LOGICAL_SHARDS


def _row_bits() -> int:
    bits: int = settings.PHOTO_MAP_ROW_BITS
    if not 1 <= bits <= MAX_ROW_BITS:
        raise ImproperlyConfigured(f"PHOTO_MAP_ROW_BITS is {bits}: it may be 1 to {MAX_ROW_BITS}")
    return bits
