"""Receipts: what came in, what was removed and done, what was made of it. Written and deleted with the photo."""

from typing import Any

from psycopg2 import sql

from photos.filters import Look
from photos.models import Receipt
from photos.services import originals, unpublished
from sharding import Shard


def write(
    shard: Shard,
    *,
    photo_id: int,
    author_id: int,
    look: Look,
    drawn: bool,
    received: dict[str, Any],
    renditions: dict[str, Any],
    milliseconds: dict[str, int],
    original: str,
    original_stem: str,
    original_bytes: int,
) -> None:
    """Write a photo's receipt, in the transaction that publishes it.

    drawn: the look was drawn here; else the device did it, and only its name is known.
    """
    done = {"border": look.border, "tilt_shift": look.tilt_shift, "lux": look.lux, "drawn": drawn}
    shard.model(Receipt).objects.create(
        photo_id=photo_id,
        author_id=author_id,
        received=received,
        done=done,
        renditions=renditions,
        milliseconds=milliseconds,
        original=original,
        original_stem=original_stem,
        original_bytes=original_bytes,
    )


def withdraw(shard: Shard, photo_id: int) -> None:
    """Delete a photo's receipt and its original, in the transaction that deletes the photo. Harmless to repeat."""
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE photo_id = %s RETURNING author_id, original_stem, original_bytes").format(
                shard.table("photos_receipt")
            ),
            [photo_id],
        )
        row = cursor.fetchone()
    if row and row[1]:
        author_id, original_stem, byte_count = row
        originals.release(shard, author_id, byte_count)
        unpublished.discard_objects(shard, ("", original_stem))
