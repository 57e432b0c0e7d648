"""Uploading before the caption: the picture travels while its author still types, publishing is one transaction then.

What waits is a row of local.unpublished under the author's key, with its objects in the store: the renditions without
a look, and the file as it came, of which others are drawn if the look was chosen later. It waits WAITING_UPLOAD_HOURS.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings

from instagram.errors import InvalidParameters, NotAllowed
from photos import storage
from photos.filters import PLAIN
from photos.models import Upload
from photos.services import unpublished
from photos.services.ingest import Stored, ingest
from photos.services.originals import original_of
from sharding import Shard, shard_of

#: Longest key a client may give, characters.
UPLOAD_ID_CHARS = 64


@dataclass(frozen=True, slots=True)
class Waiting:
    """An upload that waits for its caption, by its key, and when it is thrown away."""

    upload_id: str
    expires_at: datetime


def hold(*, author_id: int, image: bytes, upload_id: str = "") -> Waiting:
    """Take a picture in and keep it for publish(); a repeat with the same key finds the first one.

    upload_id: the retry key that publish() will be given; empty: one is made. Raises InvalidParameters, TooLarge,
    NotAllowed beyond WAITING_UPLOADS_MAX, DecodingUnavailable, StorageUnavailable, ShardUnavailable; then nothing is
    kept.
    """
    check_upload_id(upload_id)
    upload_id = upload_id or storage.new_stem()
    shard = shard_of(author_id)
    # Looked at before the work, and for good in the transaction.
    if known := _known(shard, author_id, upload_id):
        return known
    _check_room(shard, author_id)
    stored = ingest(shard, author_id=author_id, image=image, look=PLAIN, original=original_of(image))
    try:
        with shard.atomic(), shard.cursor() as cursor:
            # A person's uploads one after the other: their number is exact, and equal ones meet.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('waiting', %s))", [author_id])
            known = _known(shard, author_id, upload_id)
            if known is None:
                _check_room(shard, author_id)
                return _keep(cursor, stored, upload_id)
    except NotAllowed:
        unpublished.throw_away(shard, [stored.stem])
        raise
    unpublished.throw_away(shard, [stored.stem])
    return known


def waiting_of(author_id: int) -> list[Waiting]:
    """Return a person's waiting uploads, the one that expires next first. Cost: one query on their shard."""
    with shard_of(author_id).cursor() as cursor:
        cursor.execute(
            "SELECT upload_id, expires_at FROM local.unpublished WHERE author_id = %s AND upload_id IS NOT NULL"
            " AND expires_at > now() ORDER BY expires_at, upload_id",
            [author_id],
        )
        return [Waiting(*row) for row in cursor.fetchall()]


def forget(*, author_id: int, upload_id: str) -> None:
    """Throw a waiting upload away: its author thought better of it. Raises InvalidParameters for an unknown key."""
    shard = shard_of(author_id)
    stored = find(shard, author_id, upload_id)
    if stored is None:
        raise NothingWaitsError
    unpublished.throw_away(shard, [stored.stem])


def find(shard: Shard, author_id: int, upload_id: str) -> Stored | None:
    """Return the picture that waits under a key. Cost: one query."""
    with shard.cursor() as cursor:
        cursor.execute(
            "SELECT stem, original_stem, facts::text FROM local.unpublished"
            " WHERE author_id = %s AND upload_id = %s AND expires_at > now()",
            [author_id, upload_id],
        )
        row = cursor.fetchone()
    return Stored(row[0], row[1], **orjson.loads(row[2])) if row else None


def check_upload_id(upload_id: str) -> None:
    """Raise InvalidParameters for a key that is too long."""
    if len(upload_id) > UPLOAD_ID_CHARS:
        raise InvalidParameters(f"upload_id: at most {UPLOAD_ID_CHARS} characters")


class NothingWaitsError(InvalidParameters):
    """No picture waits under this key."""

    def __init__(self) -> None:
        super().__init__("upload_id: no upload waits under this key, or its time is over; send the photo again")


def _keep(cursor: Any, stored: Stored, upload_id: str) -> Waiting:
    cursor.execute(
        "UPDATE local.unpublished SET upload_id = %s, facts = %s, expires_at = now() + %s * interval '1 hour'"
        " WHERE stem = %s RETURNING expires_at",
        [upload_id, orjson.dumps(stored.facts()).decode(), settings.WAITING_UPLOAD_HOURS, stored.stem],
    )
    row = cursor.fetchone()
    if row is None:
        raise unpublished.ExpiredError
    return Waiting(upload_id, row[0])


def _known(shard: Shard, author_id: int, upload_id: str) -> Waiting | None:
    """Return what stands under a key already: a picture that waits, or a photo that was published."""
    waiting = next((each for each in waiting_of(author_id) if each.upload_id == upload_id), None)
    if waiting:
        return waiting
    published = shard.model(Upload).objects.filter(author_id=author_id, upload_id=upload_id).first()
    if published is None:
        return None
    expires_at: datetime = published.created_at + timedelta(hours=settings.UPLOAD_ID_HOURS)
    return Waiting(upload_id, expires_at) if expires_at > datetime.now(expires_at.tzinfo) else None


def _check_room(shard: Shard, author_id: int) -> None:
    with shard.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM local.unpublished"
            " WHERE author_id = %s AND upload_id IS NOT NULL AND expires_at > now()",
            [author_id],
        )
        if cursor.fetchone()[0] >= settings.WAITING_UPLOADS_MAX:
            raise NotAllowed(f"{settings.WAITING_UPLOADS_MAX} uploads wait already: publish or delete one first")
