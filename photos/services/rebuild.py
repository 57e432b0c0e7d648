"""Rebuilding the index tables from the owners: everything that is missing comes in, everything that is stale goes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from photos.services import tag_totals
from photos.services.indexes import Found, found_by, index_photos, take_out
from sharding import Shard, shard_of_object

#: Photos, or index rows, in one batch.
BATCH = 200


@dataclass(frozen=True)
class _Index:
    """An index table, the function that writes it, and whether a photo is to be found by a key there."""

    table: str
    function: str
    key: str
    least: str | int
    #: Columns of the function that a removal leaves empty.
    rest: tuple[None, ...]
    holds: Callable[[Found, Any], bool]


_INDEXES = (
    _Index("photos_tagged", "index_tags", "tag", "", (None, None), lambda found, tag: tag in found.tags),
    _Index(
        "photos_atlocation", "index_locations", "location_id", -1, (None,),
        lambda found, location_id: found.location_id == location_id,
    ),
    _Index("photos_incell", "index_cells", "cell", -1, (None, None, None), lambda found, _: found.position is not None),
)  # fmt: skip


def index_shard(shard: Shard) -> int:
    """Index all photos that a shard's people own, deleted ones too; return how many. Safe to repeat.

    Cost per BATCH of photos: as index_photos().
    """
    photos, last = 0, 0
    while True:
        with shard.cursor() as cursor:
            cursor.execute(
                sql.SQL("SELECT id FROM {} WHERE id > %s ORDER BY id LIMIT %s").format(shard.table("photos_photo")),
                [last, BATCH],
            )
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return photos
        index_photos(shard, ids)
        photos, last = photos + len(ids), ids[-1]


def prune_shard(shard: Shard) -> int:
    """Take rows out of a shard's index tables that their photos' owners do not confirm, count its tags anew.

    Returns how many rows were stale. Cost per BATCH of rows: two reads on each shard with a photo among them.
    """
    stale = sum(_prune(shard, index, rows) for index in _INDEXES for rows in _rows(shard, index))
    tag_totals.recount(shard)
    return stale


def _prune(shard: Shard, index: _Index, rows: list[tuple[Any, int]]) -> int:
    owners: dict[Shard | None, list[int]] = {}
    for _, photo_id in rows:
        owners.setdefault(_owner(photo_id), []).append(photo_id)
    found = {
        photo_id: each
        for owner, ids in owners.items()
        if owner is not None
        for photo_id, each in found_by(owner, ids).items()
    }
    stale = [
        (key, photo_id)
        for key, photo_id in rows
        if photo_id not in found or found[photo_id].gone or not index.holds(found[photo_id], key)
    ]
    take_out(index.function, [(shard, key, photo_id, *index.rest, None) for key, photo_id in stale])
    # Commented on again meanwhile? Its own task may have passed here before.
    for _, photo_id in stale:
        if photo_id in found:
            index_photos(shard_of_object(photo_id), [photo_id])
    return len(stale)


def _rows(shard: Shard, index: _Index) -> Iterator[list[tuple[Any, int]]]:
    key, photo_id = index.least, 0
    while True:
        with shard.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    "SELECT {key}, photo_id FROM {table} WHERE ({key}, photo_id) > (%s, %s)"
                    " ORDER BY {key}, photo_id LIMIT %s"
                ).format(key=sql.Identifier(index.key), table=shard.table(index.table)),
                [key, photo_id, BATCH],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        key, photo_id = rows[-1]


def _owner(photo_id: int) -> Shard | None:
    try:
        return shard_of_object(photo_id)
    except ValueError:
        return None
