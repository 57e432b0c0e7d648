"""The JPEGs we serve, all from one normalised square. In helpers only."""

import hashlib
import time
from collections.abc import Sequence

import pyvips

from photos import filters
from photos.filters import PLAIN, Look

from . import placeholder
from .job import Limits
from .normalise import normalise
from .rendered import SIZES, Rendered, Taken

#: Nothing is enlarged beyond this; larger renditions are as large as the picture.
_ENLARGED = 612
#: From this side on progressive: 4 percent smaller, and a picture that appears as a whole. Below it gains nothing.
_PROGRESSIVE = 306
#: mozjpeg's table that is tuned by structural similarity: a tenth smaller at the same likeness than the standard's.
_QUANT_TABLE = 2


def draw(image: bytes | bytearray, look: Look, limits: Limits) -> Rendered:
    """Return all renditions of an upload, with its look laid on. Raises InvalidParameters, TooLarge."""
    began = time.monotonic()
    picture_format, source, square = normalise(image, limits, largest=max(SIZES), smallest=_ENLARGED)
    if look != PLAIN:
        square = filters.apply(square, look).copy_memory()
    jpegs = {}
    jpeg = b""
    for side in SIZES:
        if square.width > side:
            # In memory: libvips computes on demand, and would make it again for every smaller one.
            square, jpeg = square.resize(side / square.width).copy_memory(), b""
        jpeg = jpegs[side] = jpeg or _jpeg(square, limits.quality)
    pixels = bytes(square.resize(placeholder.SIDE / square.width).write_to_memory())
    return Rendered(
        jpegs,
        placeholder.thumbhash(pixels),
        placeholder.dominant_colour(pixels),
        Taken(
            format=picture_format.value,
            byte_count=len(image),
            width=source.width,
            height=source.height,
            sha256=hashlib.sha256(image).hexdigest(),
            had_gps=source.had_gps,
            had_metadata=source.had_metadata,
            milliseconds=round((time.monotonic() - began) * 1000),
        ),
    )


def draw_row(image: bytes | bytearray, looks: Sequence[Look], side: int, limits: Limits) -> bytes:
    """Return a JPEG of squares side by side, the picture in each of the looks. Raises InvalidParameters, TooLarge."""
    from photos.filters.sheet import strip  # noqa: PLC0415  # recipes are read for the first look that is seen

    _, _, square = normalise(image, limits, largest=side, smallest=side)
    return _jpeg(strip(square, looks), limits.quality)


def _jpeg(square: pyvips.Image, quality: int) -> bytes:
    jpeg: bytes = square.jpegsave_buffer(
        Q=quality,
        keep="none",
        subsample_mode="auto",
        optimize_coding=True,
        interlace=square.width >= _PROGRESSIVE,
        quant_table=_QUANT_TABLE,
    )
    return jpeg
