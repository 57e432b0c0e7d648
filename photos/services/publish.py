"""Publishing a photo, and deleting it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from psycopg2 import sql

from caching import delete_after_commit
from instagram.counting import count
from instagram.errors import InvalidParameters, NotAllowed, NotFound
from jobs import enqueue, outbox
from photos import filters, storage
from photos.filters import PLAIN, Look
from photos.hashtags import hashtags_in
from photos.mentions import mentions_in
from photos.models import Photo, State, Upload
from photos.queries.bodies import BODY_KIND
from photos.services import originals, pending, privacy, receipts, unpublished
from photos.services.ingest import Stored, ingest
from sharding import Shard, counters, photo_map, shard_of, shard_of_object


@dataclass(frozen=True, slots=True)
class Place:
    """Where a photo was taken: coordinates, and the place's id and name if it has one."""

    latitude: float
    longitude: float
    location_id: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Post:
    """A photo about to be published. waiting: what was uploaded before its caption; `stored` is it or drawn from it."""

    author_id: int
    stored: Stored
    waiting: Stored | None
    caption: str
    look: Look
    drawn: bool
    place: Place | None
    taken_at: int | None
    upload_id: str
    share_to: tuple[str, ...]


def publish(
    *,
    author_id: int,
    image: bytes | None,
    caption: str = "",
    look: Look = PLAIN,
    draw: bool = False,
    place: Place | None = None,
    upload_id: str = "",
    taken_at: int | None = None,
    share_to: Sequence[str] = (),
) -> int:
    """Publish an image as a photo and start its fan-out-on-write; return the photo's id.

    image: as the client sent it; checked, cleaned and rendered here. None: it was sent before, to pending.hold().
    look: what the photo's author chose; draw: it is drawn here, else the device did it.
    share_to: other services to post it to, once it is published.
    upload_id: idempotency key, one per tap on Share; a repeat within UPLOAD_ID_HOURS returns the first photo, and a
    picture that waits under it is the one that is published.
    Raises InvalidParameters, TooLarge, DecodingUnavailable, StorageUnavailable, ShardUnavailable; then nothing is
    published.
    """
    look = _spelled(look)
    check_caption(caption)
    pending.check_upload_id(upload_id)
    shard = shard_of(author_id)
    waiting = None
    if upload_id:
        if first := _uploaded(shard, author_id, upload_id):
            return first
        waiting = pending.find(shard, author_id, upload_id)
    try:
        stored = _stored(shard, author_id, image, waiting, look if draw else PLAIN)
    except pending.NothingWaitsError:
        # Does it wait no more because a request with the same key published it this moment?
        if first := _uploaded(shard, author_id, upload_id):
            return first
        raise
    post = _Post(author_id, stored, waiting, caption, look, draw, place, taken_at, upload_id, tuple(share_to))
    photo_id, is_new = _insert_or_find(shard, post)
    if is_new:
        count("photos")
        photo_map.remember({photo_id: author_id})
    return photo_id


def published_under(*, author_id: int, upload_id: str) -> int | None:
    """Return the photo that this idempotency key published within UPLOAD_ID_HOURS, None without a key.

    Cost: one query. Raises InvalidParameters for what is no key.
    """
    pending.check_upload_id(upload_id)
    return _uploaded(shard_of(author_id), author_id, upload_id) if upload_id else None


def delete_photo(*, user_id: int, photo_id: int) -> None:
    """Delete one's own photo: gone at once from every answer, from inboxes and the store by jobs."""
    try:
        shard = shard_of_object(photo_id)
    except ValueError:
        raise NotFound(what="media") from None
    with shard.atomic():
        photo = shard.model(Photo).objects.select_for_update().filter(id=photo_id, state=State.VISIBLE).first()
        if photo is None:
            raise NotFound(what="media")
        if photo.author_id != user_id:
            raise NotAllowed("you cannot delete this photo")
        let_go(shard, photo)
    photo_map.forget([photo_id])


def let_go(shard: Shard, photo: Photo) -> None:
    """Mark a photo as deleted, in the caller's transaction that has its row locked; the rest is jobs."""
    if photo.state == State.VISIBLE:
        counters.add(shard, counters.USER_MEDIA, photo.author_id, -1)
    photo.state = State.DELETED
    photo.save(update_fields=["state"])
    receipts.withdraw(shard, photo.id)
    with shard.cursor() as cursor:
        cursor.execute("DELETE FROM local.newest_photo WHERE photo_id = %s", [photo.id])
    # Of likes that ended and of files it had before: they would stay for longer than the photo.
    delayed = ["photos.drop_ended_like", "photos.purge"]
    within_s = settings.DELETION_PROOF_S
    outbox.hasten(shard, tasks=delayed, argument="photo_id", value=photo.id, within_s=within_s)
    enqueue("feeds.remove_photo", on=shard, photo_id=photo.id, author_id=photo.author_id)
    # Always: its owner's comments may have brought tags.
    enqueue("photos.index_photo", on=shard, photo_id=photo.id)
    enqueue("photos.purge", on=shard, photo_id=photo.id, stem=photo.image_stem)
    enqueue("photos.erase_photo", on=shard, photo_id=photo.id)
    enqueue("notifications.forget_photo", on=shard, photo_id=photo.id, author_id=photo.author_id)
    enqueue("notifications.note_photo", on=shard, photo_id=photo.id, author_id=photo.author_id)
    delete_after_commit(shard, BODY_KIND, [photo.id])


def check_caption(caption: str) -> None:
    """Raise InvalidParameters for a caption beyond its limits."""
    if len(caption) > settings.CAPTION_MAX_CHARS:
        raise InvalidParameters(f"caption: at most {settings.CAPTION_MAX_CHARS} characters")
    if len(hashtags_in(caption)) > settings.CAPTION_MAX_HASHTAGS:
        raise InvalidParameters(f"caption: at most {settings.CAPTION_MAX_HASHTAGS} hashtags")


def _uploaded(shard: Shard, author_id: int, upload_id: str) -> int | None:
    since = timezone.now() - timedelta(hours=settings.UPLOAD_ID_HOURS)
    uploads = shard.model(Upload).objects.filter(author_id=author_id, upload_id=upload_id, created_at__gt=since)
    return uploads.values_list("photo_id", flat=True).first()


def _spelled(look: Look) -> Look:
    name = filters.spelled(look.filter_name)
    if name is None:
        raise InvalidParameters(f"filter: no filter is called {look.filter_name}")
    return replace(look, filter_name=name)


def _stored(shard: Shard, author_id: int, image: bytes | None, waiting: Stored | None, look: Look) -> Stored:
    """Return the picture to publish, in the store: the one that waits, made anew if it is to look otherwise.

    Or if the account turned private or public since: then it is not where it belongs.
    """
    if waiting is None:
        if image is None:
            raise pending.NothingWaitsError
        keeps = settings.ORIGINALS_KEEP and originals.has_room(shard, author_id, len(image))
        original = originals.original_of(image) if keeps else None
        return ingest(shard, author_id=author_id, image=image, look=look, original=original)
    if look == PLAIN and storage.is_private(waiting.stem) == privacy.is_private(author_id):
        return waiting
    file = storage.read_original(waiting.original_stem)
    if file is None:  # thrown away this moment
        raise pending.NothingWaitsError
    return ingest(shard, author_id=author_id, image=file, look=look)


def _insert_or_find(shard: Shard, post: _Post) -> tuple[int, bool]:
    """Let a photo name the stored objects, or find the photo that a request with the same key made meanwhile."""
    began = time.monotonic()
    author_id = post.author_id
    with shard.atomic(), shard.cursor() as cursor:
        if post.upload_id:
            # One after the other: the second of two equal requests finds what the first one wrote.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [post.upload_id, author_id])
            if first := _uploaded(shard, author_id, post.upload_id):
                unpublished.throw_away(shard, [post.stored.stem])
                return first, False
        unpublished.claim(cursor, [each.stem for each in (post.stored, post.waiting) if each])
        photo_id = _insert(cursor, shard, post)
        counters.add(shard, counters.USER_MEDIA, author_id, 1)
        # The job commits with the photo (outbox row on the same server) and is submitted after the commit.
        enqueue("feeds.fan_out", on=shard, photo_id=photo_id, author_id=author_id)
        enqueue("notifications.match_photo", on=shard, photo_id=photo_id)
        if mentions_in(post.caption):
            enqueue("notifications.note_photo", on=shard, photo_id=photo_id, author_id=author_id)
        if post.place is not None or hashtags_in(post.caption):
            enqueue("photos.index_photo", on=shard, photo_id=photo_id)
        enqueue("moderation.look_at", on=shard, photo_id=photo_id)
        if post.caption:
            enqueue("moderation.judge", on=shard, photo_id=photo_id)
        if post.share_to:
            asked = list(post.share_to)
            enqueue("notifications.share_upload", on=shard, user_id=author_id, photo_id=photo_id, services=asked)
        _settle(shard, photo_id, post, began)
    return photo_id, True


def _insert(cursor: Any, shard: Shard, post: _Post) -> int:
    """Insert the photo with its place in the log of newest photos and its retry key. Cost: one statement."""
    place, stored = post.place, post.stored
    cursor.execute(
        sql.SQL(
            "WITH photo AS (INSERT INTO {photo} (author_id, image_stem, caption, caption_id, filter, latitude,"
            " longitude, location_id, location_name, taken_at, placeholder, colour) VALUES (%(author)s, %(stem)s,"
            " %(caption)s, CASE WHEN %(caption)s <> '' THEN local.next_id(%(shard)s, %(clock)s) END, %(filter)s,"
            " %(latitude)s, %(longitude)s, %(location)s, %(location_name)s, %(taken_at)s, %(placeholder)s, %(colour)s)"
            " RETURNING id),"
            " newest AS (INSERT INTO local.newest_photo (photo_id, author_id, logical_shard)"
            " SELECT id, %(author)s, %(shard)s FROM photo),"
            " upload AS (INSERT INTO {upload} (author_id, upload_id, photo_id)"
            " SELECT %(author)s, %(upload_id)s, id FROM photo WHERE %(upload_id)s <> ''"
            " ON CONFLICT (author_id, upload_id) DO UPDATE SET photo_id = excluded.photo_id, created_at = now())"
            " SELECT id FROM photo"
        ).format(photo=shard.table("photos_photo"), upload=shard.table("photos_upload")),
        {
            "author": post.author_id,
            "shard": shard.number,
            "clock": f"{shard.schema}.clock",
            "stem": stored.stem,
            "caption": post.caption,
            "filter": post.look.filter_name,
            "latitude": place.latitude if place else None,
            "longitude": place.longitude if place else None,
            "location": place.location_id if place else None,
            "location_name": place.name if place else "",
            "taken_at": post.taken_at,
            "placeholder": stored.placeholder,
            "colour": stored.colour,
            "upload_id": post.upload_id,
        },
    )
    photo_id: int = cursor.fetchone()[0]
    return photo_id


def _settle(shard: Shard, photo_id: int, post: _Post, began: float) -> None:
    """Decide on the original, throw away what the photo does not name, write the receipt."""
    source = post.waiting or post.stored
    outcome = originals.decide(
        shard,
        post.author_id,
        is_stored=bool(source.original_stem),
        stays=source.original_stays,
        byte_count=source.original_bytes,
    )
    kept = outcome in originals.ARE_KEPT
    unpublished.discard_objects(
        shard, (source.stem if source is not post.stored else "", "" if kept else source.original_stem)
    )
    receipts.write(
        shard,
        photo_id=photo_id,
        author_id=post.author_id,
        look=post.look,
        drawn=post.drawn,
        received=source.received,
        renditions=post.stored.renditions,
        # But the commit itself: the receipt is part of it.
        milliseconds=post.stored.spent("database", time.monotonic() - began).milliseconds,
        original=outcome,
        original_stem=source.original_stem if kept else "",
        original_bytes=source.original_bytes if kept else 0,
    )
