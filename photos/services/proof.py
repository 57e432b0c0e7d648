"""Looking for what a deleted photo may have left behind, DELETION_PROOF_S later.

Then, because what was under way at the deletion is over: a fetch at the edge, a late comment or job, a cache filled
from an old read may put back what was taken away. What is found goes, is logged, and is looked for again by a retry;
what keeps coming back makes the job a dead letter, for a person to read.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from psycopg2 import sql

from caching import get_many
from photos import storage
from photos.cells import cell_of
from photos.queries.bodies import BODY_KIND
from photos.queries.engagement import ENGAGEMENT_KIND
from photos.queries.indexes import shard_of_cell, shard_of_location, shard_of_tag
from photos.services import indexes, purging
from photos.storage import keys, store
from sharding import Shard, photo_map, shard_of_object

#: Tables of the photo's shard in which it stands, with the column that says so.
_TABLES = {"photos_photo": "id", "photos_like": "photo_id", "photos_comment": "photo_id", "photos_receipt": "photo_id"}


class LeftBehindError(Exception):
    """Something of a deleted photo was there. It was taken away once more; a retry looks again."""


def prove_files_gone(stem: str) -> None:
    """Look for a stem's objects in the store and for copies at our edges; what is found goes.

    CloudFront is invalidated once more: it does not say what it has. Raises LeftBehindError if anything was found,
    StorageUnavailable, EdgeUnavailable.
    """
    left = [found.key for page in store.found_below(keys.folder(stem)) for found in page]
    storage.delete_keys(left)
    copies = storage.purge(keys.keys_of(stem))
    if left or copies:
        raise LeftBehindError(f"{len(left)} objects and {copies} copies at the edge of {stem}")


def facts_of(shard: Shard, photo_id: int) -> dict[str, Any]:
    """Return where else than on its shard a photo is to be found, as JSON: {} when its row is gone."""
    found = indexes.found_by(shard, [photo_id]).get(photo_id)
    if found is None:
        return {}
    return {"tags": list(found.tags), "location_id": found.location_id, "position": found.position}


def prove_rows_gone(photo_id: int, facts: dict[str, Any]) -> None:
    """Look for a photo on its shard, in the indexes of `facts`, in the photo map and the cache; what is found goes.

    Raises LeftBehindError if anything was found, ShardUnavailable. Cost: some ten reads by key.
    """
    shard = shard_of_object(photo_id)
    indexed = list(_left_in_indexes(photo_id, facts))
    left = [*_left_on_shard(shard, photo_id), *(function for function, _ in indexed), *_left_in_caches(photo_id)]
    if left:
        for function, row in indexed:
            indexes.take_out(function, [row])
        purging.erase(shard, [photo_id])
        raise LeftBehindError(f"photo {photo_id}: {', '.join(left)}")


def _left_on_shard(shard: Shard, photo_id: int) -> Iterable[str]:
    looks: list[sql.Composable] = [
        sql.SQL("SELECT {name} WHERE EXISTS (SELECT FROM {table} WHERE {column} = %(photo)s)").format(
            name=sql.Literal(table), table=shard.table(table), column=sql.Identifier(column)
        )
        for table, column in _TABLES.items()
    ]
    looks += [
        sql.SQL("SELECT 'counter' WHERE EXISTS (SELECT FROM {} WHERE key_id = %(photo)s AND kind < 10)").format(table)
        for table in (shard.table("counter"), sql.Identifier("local", "counter_delta"))
    ]
    looks.append(sql.SQL("SELECT 'newest_photo' FROM local.newest_photo WHERE photo_id = %(photo)s"))
    with shard.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(looks), {"photo": photo_id})
        return [row[0] for row in cursor.fetchall()]


def _left_in_indexes(photo_id: int, facts: dict[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the function and the row by which indexes.take_out() removes what is found."""
    for tag in facts.get("tags", ()):
        shard = shard_of_tag(tag)
        if _stands(shard, "photos_tagged", "tag", tag, photo_id):
            yield "index_tags", (shard, tag, photo_id, 0, 0, None)
    location_id = facts.get("location_id")
    if location_id is not None:
        shard = shard_of_location(location_id)
        if _stands(shard, "photos_atlocation", "location_id", location_id, photo_id):
            yield "index_locations", (shard, location_id, photo_id, 0, None)
    if facts.get("position"):
        cell = cell_of(*facts["position"])
        shard = shard_of_cell(cell)
        if _stands(shard, "photos_incell", "cell", cell, photo_id):
            yield "index_cells", (shard, cell, photo_id, 0, *facts["position"], None)


def _stands(shard: Shard, table: str, column: str, value: Any, photo_id: int) -> bool:
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT 1 FROM {} WHERE {} = %s AND photo_id = %s").format(
                shard.table(table), sql.Identifier(column)
            ),
            [value, photo_id],
        )
        return cursor.fetchone() is not None


def _left_in_caches(photo_id: int) -> Iterable[str]:
    # Nothing heals a miss here: only what the map itself has counts.
    if photo_map.users_of([photo_id], lambda _: {}):
        yield "photo map"
    yield from (kind for kind in (BODY_KIND, ENGAGEMENT_KIND) if get_many(kind, [photo_id]))
