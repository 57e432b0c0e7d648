"""What is in the object store and what is written down about it, for tests that nothing stays."""

from typing import Any

import requests

from photos import storage
from photos.models import Photo, Receipt
from sharding import shard_of, shard_of_object
from tests.support.people import Person


def objects_of(stem: str) -> set[str]:
    """Return the keys of renditions and originals under a stem."""
    digits = stem.removeprefix("p")
    store = storage.client()
    found = [
        store.list_objects_v2(Bucket="test", Prefix=f"{prefix}/{digits[:2]}/{digits}").get("Contents", [])
        for prefix in ("pub", "prv", "org")
    ]
    return {each["Key"] for listing in found for each in listing}


def status(url: str) -> int:
    """Return what the CDN edge answers."""
    return requests.get(url, timeout=5).status_code


def photo_id(media: dict[str, Any]) -> int:
    """Return the photo's id of a Media object."""
    return int(media["id"].split("_")[0])


def stem_of(media: dict[str, Any]) -> str:
    """Return the stem that the photo's row names now."""
    stem: str = row_of(media).image_stem
    return stem


def unpublished(person: Person) -> list[tuple[str, str]]:
    """Return what is written down as stored and not published: (stem, original's stem)."""
    with shard_of(person.id).cursor() as cursor:
        cursor.execute("SELECT stem, original_stem FROM local.unpublished WHERE author_id = %s", [person.id])
        return cursor.fetchall()


def let_expire(person: Person) -> None:
    """Put the end of everything unpublished of a person's into the past."""
    with shard_of(person.id).cursor() as cursor:
        cursor.execute(
            "UPDATE local.unpublished SET expires_at = now() - interval '1 s' WHERE author_id = %s", [person.id]
        )


def row_of(media: dict[str, Any]) -> Photo:
    """Return a photo's row, deleted or not."""
    number = photo_id(media)
    return shard_of_object(number).model(Photo).objects.get(id=number)


def receipt_row_of(media: dict[str, Any]) -> Receipt | None:
    """Return the row of a photo's receipt."""
    number = photo_id(media)
    return shard_of_object(number).model(Receipt).objects.filter(photo_id=number).first()
