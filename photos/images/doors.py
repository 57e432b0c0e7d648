"""What others call: a picture goes to a helper process and comes back drawn. No pixel is touched here."""

from collections.abc import Sequence
from dataclasses import asdict

from photos.filters import PLAIN, Look

from . import job, pool
from .rendered import Rendered


def render(image: bytes, look: Look = PLAIN) -> Rendered:
    """Return all renditions of an upload, with its look laid on.

    image: as the client sent it. Raises InvalidParameters and TooLarge for what is no good picture, with a sentence
    for the person who sent it, DecodingUnavailable if no helper process can be had or answers in time.
    Cost: docs/images.md.
    """
    return job.unpacked(*pool.ask({"verb": "render", "look": asdict(look)}, image))


def fingerprints(jpeg: bytes, *, crops: bool = False) -> list[int]:
    """Return 64 bits by which a picture is recognised (fingerprint.py), with `crops` those of 20 crops after them.

    jpeg: a rendition of ours. Raises DecodingUnavailable. Cost: 6 ms of a helper's CPU each.
    """
    answer, _ = pool.ask({"verb": "fingerprints", "crops": crops}, jpeg)
    return list(answer["fingerprints"])


def preview(image: bytes, looks: Sequence[Look], *, side: int) -> bytes:
    """Return a JPEG of squares of `side` pixels side by side, the picture in each of the looks. Raises as `render`."""
    _, jpeg = pool.ask({"verb": "preview", "looks": [asdict(look) for look in looks], "side": side}, image)
    return bytes(jpeg)
