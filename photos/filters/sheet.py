"""Many looks of one picture side by side: the strip a client lets people choose from, and the sheet of the docs."""

from collections.abc import Sequence

from pyvips import Image

from .look import Look
from .render import render

#: Height of a label on the sheet, pixels, and the space between cells.
_LABEL, _GAP = 20, 6


def strip(square: Image, looks: Sequence[Look]) -> Image:
    """Return one row of the picture in each of the looks, without gaps: cell n begins at n times its width."""
    return Image.arrayjoin([render(square, look) for look in looks], across=len(looks))


def sheet(square: Image, looks: Sequence[tuple[str, Look]], *, across: int) -> Image:
    """Return labelled cells in rows, on white."""
    cells = [_labelled(render(square, look), words) for words, look in looks]
    return Image.arrayjoin(cells, across=across, shim=_GAP, background=[255, 255, 255])


def _labelled(picture: Image, words: str) -> Image:
    text = Image.text(words, font="sans 9", dpi=96)
    below = Image.black(picture.width, _LABEL).insert(text, 1, (_LABEL - text.height) // 2)
    label = below.linear(-1, 255).cast("uchar")
    return picture.join(label.bandjoin([label, label]).copy(interpretation="srgb"), "vertical")
