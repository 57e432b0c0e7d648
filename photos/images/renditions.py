"""The JPEGs we serve, all from one normalised square."""

import hashlib
import time

import pyvips
from django.conf import settings

from photos.filters import PLAIN, Look

from . import placeholder
from .normalise import normalise
from .rendered import SIZES, Rendered, Taken


def render(image: bytes, look: Look = PLAIN) -> Rendered:
    """Return all renditions of an upload, with its look laid on. Raises InvalidParameters, TooLarge, DecodingUnavailable.

    Cost: docs/images.md.
    """
    began = time.monotonic()
    square, source = normalise(image, largest=max(SIZES), smallest=612)
    if look != PLAIN:
        from photos.filters import apply  # noqa: PLC0415  # type: ignore[attr-defined]

        square = apply(square, look).copy_memory()
    jpegs = {}
    for side in SIZES:
        # In memory each: libvips computes on demand, and would make the larger ones again for every smaller one.
        frame = square if square.width <= side else square.resize(side / square.width).copy_memory()
        jpegs[side] = _jpeg(frame)
        square = frame
    pixels = square.resize(placeholder.SIDE / square.width).write_to_memory()
    fields = set(source.get_fields())
    return Rendered(
        jpegs,
        placeholder.thumbhash(pixels),
        placeholder.dominant_colour(pixels),
        Taken(
            format="JPEG",
            byte_count=len(image),
            width=source.width,
            height=source.height,
            sha256=hashlib.sha256(image).hexdigest(),
            had_gps=any("GPSL" in name for name in fields),
            had_metadata=bool(fields & {"exif-data", "xmp-data", "iptc-data"}),
            milliseconds=round((time.monotonic() - began) * 1000),
        ),
    )


def _jpeg(frame: pyvips.Image) -> bytes:
    jpeg: bytes = frame.jpegsave_buffer(
        Q=settings.JPEG_QUALITY, keep="none", optimize_coding=True, subsample_mode="auto"
    )
    return jpeg
