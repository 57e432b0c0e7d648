"""Copies of pictures that were removed: found by fingerprint after an upload, shown to a moderator, never deleted.

What is removed leaves fingerprints of itself and its crops (RemovedPrint); an undo takes them back. An upload's one
fingerprint is compared with all of them: a scan of main, 8 bytes a print, 21 prints a picture.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from jobs import NotNow
from photos import images, storage
from photos.queries import body_of, is_published
from photos.services import holding

from . import queue
from .models import REMOVALS, Decision, Kind, RemovedPrint

#: The rendition that is looked at: more pixels would not be seen in 32 x 32.
SIDE = 306


@dataclass(frozen=True, slots=True)
class Likeness:
    """A removal whose picture looks like another, and in how many bits of 64 they differ."""

    decision_id: int
    photo_id: int
    bits: int


def remember(decision_id: int) -> int:
    """Keep the fingerprints of what a decision removed; return how many. Those of an undone one go. Safe to repeat.

    Raises NotNow while it is not down yet or its files are renamed, ShardUnavailable, StorageUnavailable,
    DecodingUnavailable.
    """
    decision = Decision.objects.filter(pk=decision_id).first()
    if decision is None or decision.kind != Kind.MEDIA or decision.verdict not in REMOVALS:
        return 0
    photo = None if decision.undone_at else holding.held_photo(decision.target_id)
    if photo is None and decision.undone_at is None and is_published(decision.target_id):
        # The decision has committed, its effect not yet: this job may be faster.
        raise NotNow("it is not taken down yet")
    jpeg = None if photo is None else storage.read_rendition(photo.image_stem, SIDE)
    if photo is not None and jpeg is None:
        raise NotNow("its files are getting other names")
    prints = [] if jpeg is None else images.fingerprints(jpeg, crops=True)
    with transaction.atomic():
        # An undo that comes meanwhile waits for this lock, and has its own job after it.
        decision = Decision.objects.select_for_update().get(pk=decision_id)
        if decision.undone_at is not None:
            decision.prints.all().delete()
            return 0
        if prints:
            decision.prints.all().delete()
            RemovedPrint.objects.bulk_create(RemovedPrint(decision=decision, bits=signed(each)) for each in prints)
    return len(prints)


def look_at(photo_id: int) -> Likeness | None:
    """Compare an upload with what was removed, and put it into the queue if it looks like any; return what it is like.

    Cost: with anything removed a GET, 6 ms of a helper, a scan on main. Raises NotFound for a photo that is gone,
    ShardUnavailable, StorageUnavailable, DecodingUnavailable.
    """
    if not RemovedPrint.objects.exists():
        return None
    photo = body_of(photo_id)
    jpeg = storage.read_rendition(photo.image_stem, SIDE)
    if jpeg is None:
        return None
    found = nearest(images.fingerprints(jpeg)[0])
    if found is not None and found.photo_id != photo_id:
        finding = {"source": "look_alike", "decision": found.decision_id, "bits": found.bits}
        queue.flag(kind=Kind.MEDIA, target_id=photo_id, about_user_id=photo.author_id, finding=finding)
    return found


def nearest(fingerprint: int) -> Likeness | None:
    """Return the removal that a fingerprint is nearest to, within LOOK_ALIKE_BITS. Cost: one scan on main."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT decision_id, target_id, distance FROM (SELECT decision_id,"
            " bit_count((bits # %s)::bit(64)) AS distance FROM moderation_removedprint) AS compared"
            " JOIN moderation_decision ON moderation_decision.id = decision_id"
            " WHERE distance <= %s ORDER BY distance, decision_id LIMIT 1",
            [signed(fingerprint), settings.LOOK_ALIKE_BITS],
        )
        row = cursor.fetchone()
    return Likeness(*row) if row else None


def signed(bits: int) -> int:
    """Return 64 bits as PostgreSQL's bigint has them."""
    return bits - (1 << 64) if bits >> 63 else bits
