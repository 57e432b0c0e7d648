"""Receipts of uploads: for their authors alone."""

from collections.abc import Iterable

from photos.models import Receipt
from sharding import Shard


def receipts_of(shard: Shard, photo_ids: Iterable[int]) -> dict[int, Receipt]:
    """Return receipts by photo id, of photos of one shard; older photos have none. Cost: one query on the shard.

    Raises ShardUnavailable.
    """
    return shard.model(Receipt).objects.in_bulk(list(photo_ids))
