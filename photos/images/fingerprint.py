"""Perceptual fingerprints: 64 bits that stay nearly the same when a picture is resized, recompressed or recoloured.

The picture is shrunk to 32 x 32 greys and turned into cosine terms; each of the 64 lowest, without those that run along
one side alone, gives a bit: above the median or not. A crop moves the terms, so of a picture that is to be recognised a
set is made, of its own crops too. Source: the pHash of Zauner, "Implementation and Benchmarking of Perceptual Image
Hash Functions" (2010). Cost: 6 ms of CPU each, plain Python for the most part.
"""

import math
from operator import mul

import pyvips

#: Greys along a side, and cosine terms along each.
_SIDE, _TERMS = 32, 8
#: Sides of the crops, as shares of the whole; each is cut from the middle and the four corners.
_SHARES = (0.97, 0.94, 0.91, 0.88)
_WAVES = [
    [math.cos(math.pi * wave * (2 * at + 1) / (2 * _SIDE)) for at in range(_SIDE)] for wave in range(1, _TERMS + 1)
]


def fingerprints(jpeg: bytes, *, crops: bool) -> list[int]:
    """Return the fingerprint of a square picture, 0 to 2^64 - 1; with `crops` those of 20 crops of it after that.

    jpeg: a rendition of ours. Runs libvips: in a helper process alone.
    """
    picture = pyvips.Image.new_from_buffer(jpeg, "", fail_on="truncated").colourspace("b-w")[0].copy_memory()
    return [_fingerprint(each) for each in ([picture, *_crops(picture)] if crops else [picture])]


def _crops(picture: pyvips.Image) -> list[pyvips.Image]:
    found = []
    for share in _SHARES:
        side = int(picture.width * share)
        rest = picture.width - side
        corners = [(0, 0), (rest, 0), (0, rest), (rest, rest)]
        found += [picture.crop(x, y, side, side) for x, y in [(rest // 2, rest // 2), *corners]]
    return found


def _fingerprint(picture: pyvips.Image) -> int:
    greys = picture.thumbnail_image(_SIDE, height=_SIDE, size="force").cast("uchar").write_to_memory()
    rows = [bytes(greys[at : at + _SIDE]) for at in range(0, _SIDE * _SIDE, _SIDE)]
    along = [[sum(map(mul, row, wave)) for row in rows] for wave in _WAVES]
    terms = [sum(map(mul, column, wave)) for wave in _WAVES for column in along]
    median = sorted(terms)[len(terms) // 2]
    bits = 0
    for term in terms:
        bits = bits << 1 | (term > median)
    return bits
