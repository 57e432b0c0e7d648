"""Filters: their names, what an upload asks the server to do to its picture, and the doing of it.

`apply` is the one door to the drawing. What a plain picture needs not (recipes, tables) is not even imported for it.
"""

from typing import TYPE_CHECKING

from .look import PLAIN, Look, TiltShift
from .names import CODES, NAMES, OFFERED, RETIRED, spelled

if TYPE_CHECKING:
    from pyvips import Image

__all__ = ["CODES", "NAMES", "OFFERED", "PLAIN", "RETIRED", "Look", "TiltShift", "apply", "spelled"]


def apply(frame: "Image", look: Look) -> "Image":
    """Return a picture as its look wants it: lux, tilt-shift, filter, border, in this order.

    frame: square, sRGB, 8 bit, three bands; so is the answer, in memory, except for a plain look: that is `frame`.
    Cost at 1,080 pixels: docs/filters.md. Thread-safe; keeps tables and masks for the next picture of the process.
    """
    if look == PLAIN:
        return frame
    from .render import render  # noqa: PLC0415  # a plain picture pays nothing for it

    return render(frame, look)
