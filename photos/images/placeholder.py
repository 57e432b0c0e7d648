"""What a page shows until the picture is there: a thumbhash, and one colour.

Both are made of some hundred pixels in plain Python: half a millisecond.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from operator import mul

#: Pixels a side of the picture they are made of.
SIDE = 24
#: Terms of the cosine transform, along a side: of lightness, of each of the two colour axes.
_LIGHTNESS, _COLOUR = 7, 3
#: Highest bits of a channel by which pixels are counted as the same colour.
_BITS = 3


def thumbhash(pixels: bytes) -> bytes:
    """Return the thumbhash of a square picture without alpha: 24 bytes.

    pixels: SIDE * SIDE times red, green, blue. Source: https://github.com/evanw/thumbhash (version 1).
    """
    red, green, blue = ([value / 255 for value in pixels[band::3]] for band in range(3))
    lightness = [(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)]
    yellow_blue = [(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)]
    red_green = [r - g for r, g in zip(red, green, strict=True)]
    l_mean, l_terms, l_scale = _cosines(lightness, _LIGHTNESS)
    p_mean, p_terms, p_scale = _cosines(yellow_blue, _COLOUR)
    q_mean, q_terms, q_scale = _cosines(red_green, _COLOUR)
    first = (
        round(63 * l_mean)
        | round(31.5 + 31.5 * p_mean) << 6
        | round(31.5 + 31.5 * q_mean) << 12
        | round(31 * l_scale) << 18
    )
    second = _LIGHTNESS | round(63 * p_scale) << 3 | round(63 * q_scale) << 9
    nibbles = [round(15 * term) for term in l_terms + p_terms + q_terms]
    if len(nibbles) % 2:
        nibbles.append(0)
    packed = bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return first.to_bytes(3, "little") + second.to_bytes(2, "little") + packed


def dominant_colour(pixels: bytes) -> int:
    """Return the mean of the most frequent kind of colour, 0xRRGGBB. pixels: red, green, blue in turn."""
    kinds = defaultdict(list)
    shift = 8 - _BITS
    for pixel in zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True):
        red, green, blue = pixel
        kinds[red >> shift, green >> shift, blue >> shift].append(pixel)
    most = max(kinds.values(), key=len)
    red, green, blue = (round(sum(channel) / len(most)) for channel in zip(*most, strict=True))
    return red << 16 | green << 8 | blue


def _cosines(channel: Sequence[float], terms: int) -> tuple[float, list[float], float]:
    """Return a channel's mean, its other terms brought into 0..1, and by how much they were scaled."""
    rows = [channel[at : at + SIDE] for at in range(0, SIDE * SIDE, SIDE)]
    basis = _basis(terms)
    # Along the rows first, then down the columns of what is left.
    along = [[sum(map(mul, row, wave)) for row in rows] for wave in basis]
    found = [sum(map(mul, along[x], basis[y])) / (SIDE * SIDE) for y in range(terms) for x in range(terms - y)]
    mean, rest = found[0], found[1:]
    scale = max(map(abs, rest))
    return mean, [0.5 + 0.5 / scale * term for term in rest] if scale else rest, scale


def _basis(terms: int) -> list[list[float]]:
    return [[math.cos(math.pi / SIDE * wave * (x + 0.5)) for x in range(SIDE)] for wave in range(terms)]
