"""The JPEGs we serve, all from one normalised square."""

from dataclasses import dataclass

from django.conf import settings

from .normalise import normalise

#: Rendition sides in pixels, largest first; each is made from the one before. 150, 306 and 612 are the API's.
SIZES = (1080, 612, 306, 150)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A photo as it is stored: JPEG bytes by side."""

    jpegs: dict[int, bytes]


def render(image: bytes) -> Rendered:
    """Return all renditions of an upload. Raises InvalidParameters, TooLarge for what is no good picture.

    Cost: docs/images.md.
    """
    square = normalise(image, largest=max(SIZES), smallest=min(SIZES))
    jpegs = {}
    for side in SIZES:
        # In memory each: libvips computes on demand, and would make the larger ones again for every smaller one.
        frame = square if square.width == side else square.resize(side / square.width).copy_memory()
        jpegs[side] = frame.jpegsave_buffer(
            Q=settings.JPEG_QUALITY, keep="none", optimize_coding=True, subsample_mode="auto"
        )
        if side < square.width:
            square = frame
    return Rendered(jpegs)
