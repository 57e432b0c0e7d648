"""Publishing a photo, and deleting it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from caching import delete_after_commit
from instagram.errors import InvalidParameters, NotAllowed, NotFound
from jobs import enqueue
from photos import filters, images, storage
from photos.hashtags import hashtags_in
from photos.mentions import mentions_in
from photos.models import Photo, State, Upload
from photos.queries.bodies import BODY_KIND
from photos.services import privacy
from sharding import Shard, counters, photo_map, shard_of, shard_of_object


@dataclass(frozen=True, slots=True)
class Place:
    """Where a photo was taken: coordinates, and the place's id and name if it has one."""

    latitude: float
    longitude: float
    location_id: int | None = None
    name: str = ""


def publish(
    *,
    author_id: int,
    image: bytes,
    caption: str = "",
    filter_name: str = "Normal",
    place: Place | None = None,
    upload_id: str = "",
    taken_at: int | None = None,
) -> int:
    """Publish an image as a photo and start its fan-out-on-write; return the photo's id.

    image: as the client sent it; checked, cleaned and rendered here.
    upload_id: idempotency key, one per tap on Share; a repeat within UPLOAD_ID_HOURS returns the first photo.
    Raises InvalidParameters, TooLarge, StorageUnavailable, ShardUnavailable; then nothing is published.
    """
    printed_filter = filters.spelled(filter_name)
    if printed_filter is None:
        raise InvalidParameters(f"filter: no filter is called {filter_name}")
    check_caption(caption)
    if len(upload_id) > 64:
        raise InvalidParameters("upload_id: at most 64 characters")
    shard = shard_of(author_id)
    if upload_id and (first := _uploaded(shard, author_id, upload_id)):
        return first
    # Before the transaction: S3 is slow, and a stray file costs less than a long-held lock.
    stem = storage.new_stem(private=privacy.is_private(author_id))
    storage.store_renditions(images.render(image).jpegs, stem=stem)
    facts: dict[str, Any] = {
        "author_id": author_id,
        "image_stem": stem,
        "caption": caption,
        "filter": printed_filter,
        "taken_at": taken_at,
    }
    if place is not None:
        facts |= {"latitude": place.latitude, "longitude": place.longitude}
        facts |= {"location_id": place.location_id, "location_name": place.name}
    photo_id, is_new = _insert_or_find(shard, facts, upload_id)
    if is_new:
        photo_map.remember({photo_id: author_id})
    else:
        storage.delete_renditions(stem)  # two at once: the other one's image stays
    return photo_id


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
        photo.state = State.DELETED
        photo.save(update_fields=["state"])
        with shard.cursor() as cursor:
            cursor.execute("DELETE FROM local.newest_photo WHERE photo_id = %s", [photo_id])
        counters.add(shard, counters.USER_MEDIA, user_id, -1)
        enqueue("feeds.remove_photo", on=shard, photo_id=photo_id, author_id=user_id)
        # Always: its owner's comments may have brought tags.
        enqueue("photos.index_photo", on=shard, photo_id=photo_id)
        enqueue("photos.purge", on=shard, photo_id=photo_id, stem=photo.image_stem)
        enqueue("photos.erase_photo", on=shard, photo_id=photo_id)
        enqueue("notifications.forget_photo", on=shard, photo_id=photo_id)
        enqueue("notifications.note_photo", on=shard, photo_id=photo_id, author_id=user_id)
        delete_after_commit(shard, BODY_KIND, [photo_id])
    photo_map.forget([photo_id])


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


def _insert_or_find(shard: Shard, facts: dict[str, Any], upload_id: str) -> tuple[int, bool]:
    author_id = facts["author_id"]
    with shard.atomic(), shard.cursor() as cursor:
        if upload_id:
            # One after the other: the second of two equal requests finds what the first one wrote.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [upload_id, author_id])
            if first := _uploaded(shard, author_id, upload_id):
                return first, False
        photo = shard.model(Photo).objects.create(**facts)
        if photo.caption:
            cursor.execute("SELECT local.next_id(%s, %s)", [shard.number, f"{shard.schema}.clock"])
            photo.caption_id = cursor.fetchone()[0]
            photo.save(update_fields=["caption_id"])
        if upload_id:
            shard.model(Upload).objects.update_or_create(
                author_id=author_id,
                upload_id=upload_id,
                defaults={"photo_id": photo.id, "created_at": timezone.now()},
            )
        cursor.execute(
            "INSERT INTO local.newest_photo (photo_id, author_id, logical_shard) VALUES (%s, %s, %s)",
            [photo.id, author_id, shard.number],
        )
        counters.add(shard, counters.USER_MEDIA, author_id, 1)
        # The job commits with the photo (outbox row on the same server) and is submitted after the commit.
        enqueue("feeds.fan_out", on=shard, photo_id=photo.id, author_id=author_id)
        enqueue("notifications.match_photo", on=shard, photo_id=photo.id)
        if mentions_in(photo.caption):
            enqueue("notifications.note_photo", on=shard, photo_id=photo.id, author_id=author_id)
        if photo.latitude is not None or hashtags_in(photo.caption):
            enqueue("photos.index_photo", on=shard, photo_id=photo.id)
    return photo.id, True
