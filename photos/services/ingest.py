"""From an upload's bytes to objects in the store that wait for a photo to name them."""

import base64
import hashlib
import time
from dataclasses import dataclass, fields, replace
from typing import Any

from instagram.counting import count
from photos import images, storage
from photos.filters import Look
from photos.images.rendered import Taken
from photos.services import privacy, unpublished
from photos.services.originals import Original
from sharding import Shard


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture in the store: its objects are written down (unpublished.py), no photo names them yet.

    original_stem: empty if the file was not stored beside them. received, renditions, milliseconds: see models.Receipt.
    """

    stem: str
    original_stem: str
    original_bytes: int
    original_stays: bool
    placeholder: str
    colour: int
    received: dict[str, Any]
    renditions: dict[str, dict[str, Any]]
    milliseconds: dict[str, int]

    def facts(self) -> dict[str, Any]:
        """Return all but the stems, to be kept as JSON while the picture waits."""
        stems = ("stem", "original_stem")
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name not in stems}

    def spent(self, stage: str, seconds: float) -> "Stored":
        """Return the same with more time spent on a stage."""
        before = self.milliseconds.get(stage, 0)
        return replace(self, milliseconds=self.milliseconds | {stage: before + round(seconds * 1000)})


def ingest(shard: Shard, *, author_id: int, image: bytes, look: Look, original: Original | None = None) -> Stored:
    """Check, clean, draw and store a picture. original: stored beside the renditions.

    Before the transaction that publishes it: S3 is slow, and a row costs less than a long-held lock. Cost: that of
    images.render(), one insert, the PUTs side by side. Raises InvalidParameters, TooLarge, DecodingUnavailable,
    StorageUnavailable, ShardUnavailable; then nothing stays.
    """
    count("upload_bytes", len(image))
    rendered = images.render(image, look)
    stem = storage.new_stem(private=privacy.is_private(author_id))
    original_stem = storage.new_stem() if original else ""
    began = time.monotonic()
    unpublished.note(shard, author_id, stem=stem, original_stem=original_stem)
    noted = time.monotonic()
    try:
        storage.store_renditions(rendered.jpegs, stem=stem)
        if original:
            storage.store_original(original_stem, original.file)
    except storage.StorageUnavailable:
        unpublished.throw_away(shard, [stem])  # once the store is back
        raise
    stored = Stored(
        stem=stem,
        original_stem=original_stem,
        original_bytes=len(original.file) if original else 0,
        original_stays=bool(original and original.stays),
        placeholder=base64.b64encode(rendered.placeholder).decode(),
        colour=rendered.colour,
        received=_received(rendered.taken),
        renditions=checksums(rendered.jpegs),
        milliseconds={"render": rendered.taken.milliseconds},
    )
    return stored.spent("database", noted - began).spent("store", time.monotonic() - noted)


def checksums(jpegs: dict[int, bytes]) -> dict[str, dict[str, Any]]:
    """Return what a receipt says of renditions. The MD5 is also what S3 lists as an object's ETag."""
    return {
        str(side): {"bytes": len(jpeg), "md5": hashlib.md5(jpeg, usedforsecurity=False).hexdigest()}
        for side, jpeg in jpegs.items()
    }


def _received(taken: Taken) -> dict[str, Any]:
    names = ("format", "width", "height", "sha256", "had_gps", "had_metadata")
    return {"bytes": taken.byte_count} | {name: getattr(taken, name) for name in names}
