"""New renditions for photos that are there: after a change of sizes, quality or what is done about colours.

A photo gets a new stem, swapped in one transaction for the one that was read: a photo that was deleted, or moved by its
owner going private, meanwhile is left as it is, and looked at again. New objects are journalled before they are
stored (unpublished.py), the old ones deleted RERENDER_GRACE_S after the swap. So a run may be stopped anywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings
from django.utils import timezone
from psycopg2 import sql

from caching import delete_after_commit
from jobs import enqueue
from photos import storage
from photos.filters import PLAIN, Look
from photos.models import Photo, Receipt, State
from photos.queries.bodies import BODY_KIND
from photos.queries.receipts import receipts_of
from photos.services import unpublished
from photos.services.ingest import Stored, ingest
from sharding import Shard

Source = Literal["original", "rendition"]

#: Looks at a photo that somebody else changes all the time.
LOOKS = 5
#: Photo ids read at a time.
PAGE = 500


class NoSourceError(Exception):
    """Neither an original nor a rendition of the photo is in the store."""


class UnsettledError(Exception):
    """The photo changed at every look."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is left of a logical shard: photos after after_id, to until_id."""

    after_id: int
    until_id: int


def rerender(shard: Shard, photo_id: int) -> Source | None:
    """Give one photo new renditions; return what they were made of, None for a photo that is not there any more.

    Of the original where it was kept, with the look drawn as at the upload; else of the largest rendition, which has
    the look already and loses a little. Raises NoSourceError, UnsettledError, InvalidParameters and TooLarge for a file
    that is not taken any more, DecodingUnavailable, StorageUnavailable, ShardUnavailable.
    """
    for _ in range(LOOKS):
        photo, receipt = _read(shard, photo_id)
        if photo is None:
            return None
        found = _source(photo, receipt)
        if found is None:
            if _read(shard, photo_id)[0] == photo:
                raise NoSourceError(f"photo {photo_id}: no file of it is in the store")
            continue
        source, image, look = found
        stored = ingest(shard, author_id=photo.author_id, image=image, look=look)
        if _swap(shard, photo, stored, source):
            return source
    raise UnsettledError(f"photo {photo_id}: it changed at every look")


def source_of(shard: Shard, photo_id: int) -> Source | None:
    """Return what rerender() would begin with; reads rows alone."""
    photo, receipt = _read(shard, photo_id)
    if photo is None:
        return None
    return "original" if receipt and receipt.original_stem else "rendition"


def begin(shard: Shard, *, anew: bool = False) -> Span:
    """Return what is left of a shard's photos, as stored; without a run under way, or anew: all there are now."""
    with shard.atomic(), shard.cursor() as cursor:
        if anew:
            forget(shard)
        cursor.execute(
            sql.SQL(
                "INSERT INTO local.rerender (logical_shard, after_id, until_id)"
                " SELECT %s, 0, coalesce(max(id), 0) FROM {} ON CONFLICT DO NOTHING"
            ).format(shard.table("photos_photo")),
            [shard.number],
        )
        cursor.execute("SELECT after_id, until_id FROM local.rerender WHERE logical_shard = %s", [shard.number])
        return Span(*cursor.fetchone())


def advance(shard: Shard, after_id: int) -> None:
    """Store how far a shard is; nobody waits for the disk: a power cut costs photos rendered twice."""
    with shard.cursor() as cursor:
        cursor.execute(
            "SET LOCAL synchronous_commit TO off; UPDATE local.rerender SET after_id = %s WHERE logical_shard = %s",
            [after_id, shard.number],
        )


def forget(shard: Shard) -> None:
    """Store that no run is under way."""
    with shard.cursor() as cursor:
        cursor.execute("DELETE FROM local.rerender WHERE logical_shard = %s", [shard.number])


def count(shard: Shard, span: Span) -> int:
    """Return how many photos are in a span. Cost: a scan of that part of the index."""
    return shard.model(Photo).objects.filter(**_within(span)).count()


def photos_in(shard: Shard, span: Span) -> Iterator[int]:
    """Yield the ids of a span's photos, oldest first. Cost: one query per PAGE of them."""
    photos = shard.model(Photo).objects.order_by("id").values_list("id", flat=True)
    while page := list(photos.filter(**_within(span))[:PAGE]):
        yield from page
        span = Span(page[-1], span.until_id)


def _within(span: Span) -> dict[str, Any]:
    return {"id__gt": span.after_id, "id__lte": span.until_id, "state": State.VISIBLE}


def _read(shard: Shard, photo_id: int) -> tuple[Photo | None, Receipt | None]:
    photo = shard.model(Photo).objects.filter(id=photo_id, state=State.VISIBLE).first()
    return photo, receipts_of(shard, [photo_id]).get(photo_id)


def _source(photo: Photo, receipt: Receipt | None) -> tuple[Source, bytes, Look] | None:
    if receipt and receipt.original_stem:
        original = storage.read_original(receipt.original_stem)
        if original is not None:
            done = dict(receipt.done)
            return "original", original, Look(photo.filter, **done) if done.pop("drawn") else PLAIN
    rendition = storage.read_largest(photo.image_stem)
    return ("rendition", rendition, PLAIN) if rendition is not None else None


def _swap(shard: Shard, photo: Photo, stored: Stored, source: Source) -> bool:
    """Let the photo name its new objects, unless it changed since it was read: then they are thrown away."""
    with shard.atomic(), shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "UPDATE {} SET image_stem = %s, placeholder = %s, colour = %s"
                " WHERE id = %s AND image_stem = %s AND state = %s"
            ).format(shard.table("photos_photo")),
            [stored.stem, stored.placeholder, stored.colour, photo.id, photo.image_stem, State.VISIBLE],
        )
        if not cursor.rowcount:
            unpublished.throw_away(shard, [stored.stem])
            return False
        unpublished.claim(cursor, [stored.stem])
        shard.model(Receipt).objects.filter(photo_id=photo.id).update(
            renditions=stored.renditions,
            rerendered={"at": str(int(timezone.now().timestamp())), "from": source},
        )
        # Pages and apps still show the old ones; but what was public and is not to be must not live on.
        hidden = storage.is_private(stored.stem) and not storage.is_private(photo.image_stem)
        delay_s = 0 if hidden else settings.RERENDER_GRACE_S
        enqueue("photos.purge", on=shard, delay_s=delay_s, photo_id=photo.id, stem=photo.image_stem)
        delete_after_commit(shard, BODY_KIND, [photo.id])
    return True
