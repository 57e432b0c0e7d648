"""Whose photo a photo is: the map's answer, or the shard's."""

from collections.abc import Iterable, Iterator

from sharding import Shard, photo_map, shard_of_object

from ..models import Photo, State
from .servers import select_all

#: Photos read at a time when the map is rebuilt.
BATCH = 5_000


def owners_of(photo_ids: Iterable[int]) -> dict[int, int]:
    """Return {photo id: author id}. Cost: one Redis pipeline per server; misses one query per database server."""
    return photo_map.users_of(photo_ids, _from_shards)


def owners_in(shard: Shard) -> Iterator[dict[int, int]]:
    """Yield all photos of a shard that are not deleted as {photo id: author id}, in batches, by id cursor."""
    last = 0
    while True:
        photos = shard.model(Photo).objects.filter(id__gt=last, state=State.VISIBLE).order_by("id")
        rows = dict(photos.values_list("id", "author_id")[:BATCH])
        if not rows:
            return
        yield rows
        last = max(rows)


def _from_shards(photo_ids: list[int]) -> dict[int, int]:
    select = f"SELECT id, author_id FROM {{}} WHERE id = ANY(%s) AND state = {State.VISIBLE:d}"
    return dict(select_all(select, ["photos_photo"], photo_ids))


def author_of_any(photo_id: int) -> int | None:
    """Return whose photo it is or was, deleted ones included; None if its shard knows none. For staff.

    Cost: one query on the id's shard. Raises ShardUnavailable.
    """
    try:
        shard = shard_of_object(photo_id)
    except ValueError:
        return None
    return shard.model(Photo).objects.filter(pk=photo_id).values_list("author_id", flat=True).first()
