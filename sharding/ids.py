"""Ids that carry their own logical shard.

64 bits, high to low: 41 of milliseconds since settings.ID_EPOCH_MS, 13 of logical shard, 10 of a per-shard
sequence. SQL makes them (shard_sql/local/0001_next_id.sql), Python reads them; tests/sharding/test_ids.py compares
the two. The top bit stays clear: ids last 34.8 years from the epoch, then minting stops rather than turn negative.
Source: "Sharding & IDs at Instagram", Instagram Engineering, 2011. Short codes: docs/api.md (contract 1.8).
"""

from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings

SHARD_BITS, SEQUENCE_BITS = 13, 10
MILLISECOND_BITS = 40  # of the 41, the highest would be the sign
MAX_ID = (1 << 63) - 1

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_DIGITS = {letter: digit for digit, letter in enumerate(_ALPHABET)}


class IdParts(NamedTuple):
    """What an id says: milliseconds since the epoch, 0..2^40-1; logical shard, 0..8191; sequence, 0..1023."""

    milliseconds: int
    logical_shard: int
    sequence: int


def compose(milliseconds: int, logical_shard: int, sequence: int) -> int:
    """Return the id of these parts. Raises ValueError when one does not fit its bits."""
    for name, value, bits in (
        ("milliseconds", milliseconds, MILLISECOND_BITS),
        ("logical_shard", logical_shard, SHARD_BITS),
        ("sequence", sequence, SEQUENCE_BITS),
    ):
        if not 0 <= value < 1 << bits:
            raise ValueError(f"{name} {value} does not fit {bits} bits")
    return (milliseconds << SHARD_BITS | logical_shard) << SEQUENCE_BITS | sequence


def parts(object_id: int) -> IdParts:
    """Return what the id says. Raises ValueError for a number that is no id."""
    if not 0 <= object_id <= MAX_ID:
        raise ValueError(f"{object_id} is not an id: 0 to 2^63 - 1")
    return IdParts(object_id >> SHARD_BITS + SEQUENCE_BITS, logical_shard_of(object_id), object_id & 1023)


def logical_shard_of(object_id: int) -> int:
    """Return the logical shard, 0..8191, that made `object_id`."""
    return (object_id >> SEQUENCE_BITS) & ((1 << SHARD_BITS) - 1)


def created_ms_of(object_id: int) -> int:
    """Return when the id was made, ms since 1970."""
    return (object_id >> SHARD_BITS + SEQUENCE_BITS) + settings.ID_EPOCH_MS


def created_at_of(object_id: int) -> datetime:
    """Return when the id was made, in UTC."""
    return datetime.fromtimestamp(created_ms_of(object_id) / 1000, tz=UTC)


def created_time_of(object_id: int) -> int:
    """Return when the id was made, whole seconds since 1970, as the API gives it."""
    return created_ms_of(object_id) // 1000


def first_id_at(seconds: float) -> int:
    """Return the smallest id that can be made at that moment (seconds since 1970), clamped to 0..MAX_ID."""
    milliseconds = int(seconds * 1000) - settings.ID_EPOCH_MS
    return max(0, min(milliseconds << SHARD_BITS + SEQUENCE_BITS, MAX_ID))


def shortcode_of(object_id: int) -> str:
    """Return the id in base 64, most significant digit first: 5382 is "BUG"."""
    if object_id < 0:
        raise ValueError(f"{object_id} is not an id: 0 to 2^63 - 1")
    letters = []
    while True:
        object_id, digit = divmod(object_id, 64)
        letters.append(_ALPHABET[digit])
        if not object_id:
            return "".join(reversed(letters))


def id_of_shortcode(code: str) -> int:
    """Return the id a short code spells. Raises ValueError for what spells none."""
    if not 1 <= len(code) <= 11 or any(letter not in _DIGITS for letter in code):
        raise ValueError(f"{code!r} is not a short code")
    number = 0
    for letter in code:
        number = number * 64 + _DIGITS[letter]
    if number > MAX_ID:
        raise ValueError(f"{code!r} is not a short code")
    return number
