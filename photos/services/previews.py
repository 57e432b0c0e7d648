"""Seeing a picture in its filters before it is published. Nothing is kept."""

from photos import images
from photos.filters import OFFERED, Look, TiltShift

#: Sides of a preview, pixels: the smallest a thumb can hit, and the size photos are shown in.
SMALLEST, LARGEST = 60, 612
#: Without a size: one picture, and each of a row.
ONE, EACH = 612, 102


def preview(
    *, image: bytes, filter_name: str | None, border: bool, tilt_shift: TiltShift, lux: float, side: int | None
) -> tuple[bytes, tuple[str, ...]]:
    """Return a JPEG of the picture as it would be published, and the filters in it from left to right.

    image: as the client sent it. filter_name: None for all that are offered now, in one row of squares.
    Raises InvalidParameters, TooLarge for what is no good picture. Cost: docs/filters.md.
    """
    names = (filter_name,) if filter_name else OFFERED
    looks = [Look(name, border, tilt_shift, lux) for name in names]
    return images.preview(image, looks, side=side or (ONE if filter_name else EACH)), names
