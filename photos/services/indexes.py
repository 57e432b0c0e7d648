"""Index tables: what each photo has to be found by, written from the owner's shard to the shards of tags and places.

The owner's rows are read, written to the indexes, and read once more: whoever wrote last has then seen the owner's
last word, in whatever order tasks run. Safe to repeat; a rebuild is the same for every photo.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from psycopg2 import sql

from accounts import visibility
from photos.cells import cell_of
from photos.hashtags import TAG_MAX_CHARS, hashtags_in
from photos.queries.indexes import shard_of_cell, shard_of_location, shard_of_tag
from sharding import Server, Shard
from sharding.ids import parts

#: Rows of a table in one call: a call holds the totals of its tags to its end.
CALL_ROWS = 500
#: Looks at an owner who changes things all the time; whoever changed them last comes by again.
LOOKS = 10

_PHOTOS = "SELECT id, author_id, caption, latitude, longitude, location_id, state = 0 FROM {} WHERE id = ANY(%s)"
_COMMENTS = (
    "SELECT photo_id, id, text FROM {} WHERE photo_id = ANY(%s) AND state = 0 AND author_id = owner_id"
    " AND text LIKE '%%#%%' ORDER BY id"
)


@dataclass
class Found:
    """What a photo is found by."""

    author_id: int
    #: Public and there: counted and shown in lists.
    listed: bool
    #: Tag to milliseconds since 1970 of the tagging.
    tags: dict[str, int] = field(default_factory=dict)
    location_id: int | None = None
    position: tuple[float, float] | None = None
    #: Deleted: it is to be found by nothing of the above.
    gone: bool = False


@dataclass
class _Call:
    """Rows for one function of a server: a row is its arguments, the shard's number first."""

    function: str
    rows: list[tuple[Any, ...]]


_TYPES = {
    "index_tags": ("int", "text", "bigint", "bigint", "bigint", "boolean"),
    "index_locations": ("int", "bigint", "bigint", "bigint", "boolean"),
    "index_cells": ("int", "int", "bigint", "bigint", "float8", "float8", "boolean"),
}


def index_photos(shard: Shard, photo_ids: Sequence[int], *, gone_tags: Iterable[str] = ()) -> None:
    """Bring the indexes up to what the owners' shard says of these photos.

    photo_ids: all of one shard. gone_tags: tags they may have lost with a comment; a deleted photo loses all it had.
    Cost: twice two reads on the shard and one on main; a call per server for tags, locations and cells each.
    Raises ShardUnavailable, ShardMoved: then some of it may be written.
    """
    wanted = found_by(shard, photo_ids)
    for _ in range(LOOKS):
        _write(wanted, set(gone_tags))
        seen, wanted = wanted, found_by(shard, photo_ids)
        # A row that went meanwhile (photos/services/purging.py) can no longer say by what it was found.
        wanted |= {photo_id: replace(was, gone=True) for photo_id, was in seen.items() if photo_id not in wanted}
        if wanted == seen:
            return


def found_by(shard: Shard, photo_ids: Sequence[int]) -> dict[int, Found]:
    """Return what photos are found by, deleted ones too; unknown ids are left out. Cost: two queries, one on main."""
    ids = list(photo_ids)
    with shard.cursor() as cursor:
        cursor.execute(sql.SQL(_PHOTOS).format(shard.table("photos_photo")), [ids])
        photos = cursor.fetchall()
        cursor.execute(sql.SQL(_COMMENTS).format(shard.table("photos_comment")), [ids])
        comments = cursor.fetchall()
    public = visibility.public_now({row[1] for row in photos})
    found: dict[int, Found] = {}
    for photo_id, author_id, caption, latitude, longitude, location_id, there in photos:
        position = None if latitude is None else (latitude, longitude)
        each = Found(author_id, author_id in public, {}, location_id, position, gone=not there)
        _add_tags(each, photo_id, caption)
        found[photo_id] = each
    for photo_id, comment_id, text in comments:
        if photo_id in found:
            _add_tags(found[photo_id], comment_id, text)
    return found


def _add_tags(found: Found, object_id: int, text: str) -> None:
    moment = settings.ID_EPOCH_MS + parts(object_id).milliseconds
    for tag in hashtags_in(text):
        if len(tag) <= TAG_MAX_CHARS:
            found.tags.setdefault(tag, moment)


def _write(wanted: Mapping[int, Found], gone_tags: set[str]) -> None:
    tags, locations, cells = (_Call(name, []) for name in _TYPES)
    for photo_id, found in wanted.items():
        listed = None if found.gone else found.listed
        for tag, moment in found.tags.items():
            tags.rows.append((shard_of_tag(tag), tag, photo_id, moment, found.author_id, listed))
        for tag in gone_tags - found.tags.keys():
            if len(tag) <= TAG_MAX_CHARS:
                tags.rows.append((shard_of_tag(tag), tag, photo_id, 0, found.author_id, None))
        if found.location_id is not None:
            shard = shard_of_location(found.location_id)
            locations.rows.append((shard, found.location_id, photo_id, found.author_id, listed))
        if found.position is not None:
            cell = cell_of(*found.position)
            cells.rows.append((shard_of_cell(cell), cell, photo_id, found.author_id, *found.position, listed))
    for call in (tags, locations, cells):
        _run(call)


def take_out(function: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Take rows out of an index. function: of _TYPES; rows: its arguments, the Shard first and None last."""
    _run(_Call(function, list(rows)))


def _run(call: _Call) -> None:
    by_server: dict[Server, list[tuple[Any, ...]]] = {}
    for shard, *values in call.rows:
        by_server.setdefault(shard.server, []).append((shard.number, *values))
    arrays = ", ".join(f"%s::{kind}[]" for kind in _TYPES[call.function])
    for server, rows in by_server.items():
        for start in range(0, len(rows), CALL_ROWS):
            with server.cursor() as cursor:
                columns = [list(column) for column in zip(*rows[start : start + CALL_ROWS], strict=True)]
                cursor.execute(f"SELECT local.{call.function}({arrays})", columns)
