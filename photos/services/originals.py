"""Originals: files as they were uploaded, kept for their owner within a quota that is counted exactly.

An original may hold a position and everything else a camera writes, unless ORIGINALS_STRIP. It is under org/, which
the CDN edge does not serve; only its owner's archive and rendering anew read it.
"""

from dataclasses import dataclass

from django.conf import settings
from psycopg2 import sql

from photos.images.strip import stripped
from sharding import Shard

#: Of models.Receipt.original: the file is kept, as it came or without metadata, or why it is not.
KEPT, STRIPPED, OFF, OVER_QUOTA, NOT_STRIPPABLE = "kept", "stripped", "off", "over_quota", "not_strippable"
#: Likewise: the store has lost it.
LOST = "lost"
ARE_KEPT = (KEPT, STRIPPED)


@dataclass(frozen=True, slots=True)
class Original:
    """A file to be stored beside its renditions. stays: it may be kept once the photo is published."""

    file: bytes
    stays: bool


def original_of(image: bytes) -> Original:
    """Return what of an upload is stored as its original, by ORIGINALS_STRIP."""
    if not settings.ORIGINALS_STRIP:
        return Original(image, stays=True)
    clean = stripped(image)
    return Original(image, stays=False) if clean is None else Original(clean, stays=True)


def quota_bytes() -> int:
    """Return how many bytes of originals one person may have."""
    return settings.ORIGINALS_QUOTA_MB * 1_000_000


def has_room(shard: Shard, author_id: int, byte_count: int) -> bool:
    """Return whether one more original of that size is worth storing now; charge() decides. Cost: one read by key."""
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT byte_count FROM {} WHERE author_id = %s").format(shard.table("photos_originaluse")),
            [author_id],
        )
        row = cursor.fetchone()
    return (row[0] if row else 0) + byte_count <= quota_bytes()


def decide(shard: Shard, author_id: int, *, is_stored: bool, stays: bool, byte_count: int) -> str:
    """Decide whether a photo keeps its original, and count it if so; return what the receipt says.

    In the transaction that publishes the photo. stays: of Original.
    """
    if not settings.ORIGINALS_KEEP:
        return OFF
    if is_stored and not stays:
        return NOT_STRIPPABLE
    if not is_stored or not charge(shard, author_id, byte_count):
        return OVER_QUOTA
    return STRIPPED if settings.ORIGINALS_STRIP else KEPT


def charge(shard: Shard, author_id: int, byte_count: int) -> bool:
    """Count an original, in the transaction that publishes its photo; False: it does not fit, and is not counted."""
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO {} AS used (author_id, byte_count)"
                " SELECT %(author)s, %(bytes)s WHERE %(bytes)s <= %(quota)s"
                " ON CONFLICT (author_id) DO UPDATE SET byte_count = used.byte_count + %(bytes)s"
                " WHERE used.byte_count + %(bytes)s <= %(quota)s"
            ).format(shard.table("photos_originaluse")),
            {"author": author_id, "bytes": byte_count, "quota": quota_bytes()},
        )
        return bool(cursor.rowcount)


def release(shard: Shard, author_id: int, byte_count: int) -> None:
    """Count an original no more, in the transaction that deletes its photo."""
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL("UPDATE {} SET byte_count = byte_count - %s WHERE author_id = %s").format(
                shard.table("photos_originaluse")
            ),
            [byte_count, author_id],
        )


def lose(shard: Shard, photo_id: int) -> None:
    """Say on a photo's receipt that its original is not in the store any more. Harmless to repeat."""
    with shard.atomic(), shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "UPDATE {receipt} AS receipt SET original = %s, original_stem = '', original_bytes = 0"
                " FROM (SELECT photo_id, original_bytes FROM {receipt} WHERE photo_id = %s AND original_stem <> ''"
                " FOR UPDATE) AS old WHERE receipt.photo_id = old.photo_id"
                " RETURNING receipt.author_id, old.original_bytes"
            ).format(receipt=shard.table("photos_receipt")),
            [LOST, photo_id],
        )
        row = cursor.fetchone()
        if row:
            release(shard, *row)
