"""Ids that carry their own time and logical shard.

64 bits, high to low: 41 of milliseconds since settings.ID_EPOCH_MS, 13 of logical shard, 10 of a per-shard
sequence. SQL makes them (shard_sql/local/0001_ids.sql), Python reads them; test_ids.py compares the two.
The sign bit ends them 34.8 years after the epoch: SQL refuses to mint there.
Source: "Sharding & IDs at Instagram", Instagram Engineering, 2011; short codes: docs/api.md, 1.8.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from psycopg2 import sql

from .shard import Shard

SHARD_BITS, SEQUENCE_BITS = 13, 10
TIME_SHIFT = SHARD_BITS + SEQUENCE_BITS
#: One past the last millisecond that leaves the sign bit alone.
TIME_END = 1 << (63 - TIME_SHIFT)
MAX_ID = (1 << 63) - 1

_SHARD_MASK, _SEQUENCE_MASK = (1 << SHARD_BITS) - 1, (1 << SEQUENCE_BITS) - 1
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_DIGITS = {character: value for value, character in enumerate(_ALPHABET)}
_LONGEST_CODE = 11  # 63 bits, 6 in a character


class IdParts(NamedTuple):
    """What an id says."""

    milliseconds: int  # since settings.ID_EPOCH_MS
    logical_shard: int
    sequence: int


def compose(milliseconds: int, logical_shard: int, sequence: int) -> int:
    """Return the id of these parts. Raises ValueError if one does not fit its bits.

    milliseconds: since settings.ID_EPOCH_MS.
    """
    if not 0 <= milliseconds < TIME_END:
        raise ValueError(f"{milliseconds} ms after the epoch does not fit into an id: 0 to {TIME_END - 1} does")
    if not 0 <= logical_shard <= _SHARD_MASK:
        raise ValueError(f"logical shard {logical_shard} does not fit into an id: 0 to {_SHARD_MASK} does")
    if not 0 <= sequence <= _SEQUENCE_MASK:
        raise ValueError(f"sequence {sequence} does not fit into an id: 0 to {_SEQUENCE_MASK} does")
    return milliseconds << TIME_SHIFT | logical_shard << SEQUENCE_BITS | sequence


def parts(object_id: int) -> IdParts:
    """Return the three parts of an id. Raises ValueError for what is no id (negative, over 63 bits)."""
    if not 0 <= object_id <= MAX_ID:
        raise ValueError(f"{object_id} is not an id: ids are 0 to {MAX_ID}")
    return IdParts(object_id >> TIME_SHIFT, (object_id >> SEQUENCE_BITS) & _SHARD_MASK, object_id & _SEQUENCE_MASK)


def logical_shard_of(object_id: int) -> int:
    """Return the logical shard, 0..8191, that made `object_id`."""
    return (object_id >> SEQUENCE_BITS) & _SHARD_MASK


def tick_of(object_id: int) -> int:
    """Return the value the shard's sequence `clock` had when it made the id: milliseconds * 1024 + sequence."""
    return object_id >> TIME_SHIFT << SEQUENCE_BITS | object_id & _SEQUENCE_MASK


def created_at_of(object_id: int) -> datetime:
    """Return when the id was made, to the millisecond, in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=_epoch_ms() + (object_id >> TIME_SHIFT))


def created_time_of(object_id: int) -> int:
    """Return when the id was made, in whole seconds since 1970."""
    return (_epoch_ms() + (object_id >> TIME_SHIFT)) // 1000


def first_id_at(moment: datetime | float) -> int:
    """Return the smallest id of a moment (aware datetime or seconds since 1970), on whatever shard.

    Every id made at or after the moment is >= it. Moments out of reach give 0 or MAX_ID.
    """
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        since_1970 = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    else:
        # By way of microseconds: 1.001 * 1000 is 1000.9999 to a float.
        since_1970 = round(moment * 1_000_000) // 1000
    milliseconds = since_1970 - _epoch_ms()
    return MAX_ID if milliseconds >= TIME_END else max(milliseconds, 0) << TIME_SHIFT


def shortcode_of(object_id: int) -> str:
    """Return the id in base 64, most significant digit first, no padding: 18600493 -> "BG9It"."""
    if not 0 <= object_id <= MAX_ID:
        raise ValueError(f"{object_id} is not an id: ids are 0 to {MAX_ID}")
    code = ""
    while True:
        code = _ALPHABET[object_id & 63] + code
        object_id >>= 6
        if not object_id:
            return code


def id_of_shortcode(code: str) -> int:
    """Return the id of a short code. Raises ValueError for what shortcode_of() never gives, leading zeros included."""
    if not code or len(code) > _LONGEST_CODE or not set(code) <= _DIGITS.keys():
        raise ValueError(f"{code[:40]!r} is not a short code: those have 1 to {_LONGEST_CODE} of A-Z a-z 0-9 - _")
    object_id = 0
    for character in code:
        object_id = object_id << 6 | _DIGITS[character]
    # One photo, one address: "ABG9It" would be a second one of "BG9It".
    if object_id > MAX_ID or (len(code) > 1 and code[0] == _ALPHABET[0]):
        raise ValueError(f"{code!r} is not a short code: no id is written so")
    return object_id


def push_clock(shard: Shard, past_id: int | None = None) -> int:
    """Set the shard's clock past an id of it, by default past the largest in its tables; it never goes back.

    After promote, restore or a move, when the sequence may be older than the rows. Returns the smallest id the
    shard can mint from now on. Cost: without past_id, see largest_id().
    """
    with shard.cursor() as cursor:
        if past_id is None:
            past_id = largest_id(cursor, shard.schema)
        if past_id is None:
            past_id = compose(0, shard.number, 0)
        cursor.execute(
            "SELECT local.push_clock(%s, format('%%I.clock', %s::text)::regclass, %s)",
            [shard.number, shard.schema, past_id],
        )
        return int(cursor.fetchone()[0])


def largest_id(cursor: Any, schema: str) -> int | None:
    """Return the largest id of the schema's own clock in its tables, None if there is none.

    Looks at columns whose default calls next_id and at those whose comment begins with "clock".
    Cost: an index look-up for each column that leads an index, a scan of its table otherwise.
    """
    cursor.execute(_CLOCK_COLUMNS, [schema])
    columns = [
        sql.SQL("SELECT max({}) AS id FROM {}").format(sql.Identifier(column), sql.Identifier(schema, table))
        for table, column in cursor.fetchall()
    ]
    if not columns:
        return None
    cursor.execute(sql.SQL("SELECT max(id) FROM ({}) AS largest").format(sql.SQL(" UNION ALL ").join(columns)))
    largest: int | None = cursor.fetchone()[0]
    return largest


_CLOCK_COLUMNS = """
SELECT c.relname, a.attname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
  AND (pg_get_expr(d.adbin, d.adrelid) LIKE '%%next_id(%%' OR col_description(a.attrelid, a.attnum) LIKE 'clock%%')
ORDER BY 1, 2
"""


def _epoch_ms() -> int:
    return int(settings.ID_EPOCH_MS)
