"""Ids to photos: hydrating."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from psycopg2 import sql

from caching import get_or_load_many
from instagram.errors import NotFound, Unavailable
from sharding import shard_of_object
from sharding.errors import ShardUnavailable

from ..models import Photo, State
from .servers import select_all

BODY_KIND = "photo:2"
_FIELDS = (
    "id", "author_id", "image_stem", "caption", "caption_id", "filter", "latitude", "longitude", "location_id",
    "location_name", "placeholder", "colour",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_FIELDS)} FROM {{}} WHERE id = ANY(%s) AND state = 0"  # names of our own columns


@dataclass(frozen=True, slots=True)
class PhotoBody:
    """What does not change about a photo while it is there."""

    id: int
    author_id: int
    image_stem: str
    caption: str
    caption_id: int | None
    filter: str
    latitude: float | None
    longitude: float | None
    location_id: int | None
    location_name: str
    #: A thumbhash in base64, empty if there is none.
    placeholder: str
    #: 0xRRGGBB.
    colour: int | None


def bodies(photo_ids: Iterable[int]) -> dict[int, PhotoBody]:
    """Return photos by id; deleted and unknown ones, and those of a server that is down, are left out.

    Cost: one multi-get; misses one query per server.
    """
    found = get_or_load_many(BODY_KIND, photo_ids, _load, ttl_s=settings.CACHE_TTL_S)
    return {photo_id: PhotoBody(**facts) for photo_id, facts in found.items()}


def body_of(photo_id: int) -> PhotoBody:
    """Return one photo. Raises NotFound, and ShardUnavailable where bodies() would leave it out."""
    body = bodies([photo_id]).get(photo_id)
    if body is not None:
        return body
    try:
        shard = shard_of_object(photo_id)
        there = shard.model(Photo).objects.filter(id=photo_id, state=State.VISIBLE).exists()
    except ValueError:
        raise NotFound(what="media") from None
    except ShardUnavailable:
        raise
    if there:
        raise Unavailable
    raise NotFound(what="media")


def is_published(photo_id: int) -> bool:
    """Return whether a photo is there, neither deleted nor held, past the cache. Cost: one query on its shard.

    Raises ShardUnavailable, ValueError for an id that none here made.
    """
    shard = shard_of_object(photo_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT 1 FROM {} WHERE id = %s AND state = %s").format(shard.table("photos_photo")),
            [photo_id, State.VISIBLE],
        )
        return cursor.fetchone() is not None


def _load(photo_ids: list[int]) -> dict[int, Any]:
    return {row[0]: dict(zip(_FIELDS, row, strict=True)) for row in select_all(_SELECT, ["photos_photo"], photo_ids)}
