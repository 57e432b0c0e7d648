"""Tone curves: smooth, and never more than their points say."""

import itertools

from .steps import Point


def smooth(points: tuple[Point, ...], values: list[float]) -> list[float]:
    """Return a curve through the points at the given values: cubic, and rising only where the points rise.

    Source: Fritsch, Butland: A method for constructing local monotone piecewise cubic interpolants, 1984.
    """
    widths = [b[0] - a[0] for a, b in itertools.pairwise(points)]
    rises = [(b[1] - a[1]) / width for (a, b), width in zip(itertools.pairwise(points), widths, strict=True)]
    slopes = [rises[0], *map(_slope, widths, widths[1:], rises, rises[1:]), rises[-1]]
    found = []
    piece = 0
    for value in values:  # they rise, so the piece only ever moves on
        while piece < len(rises) - 1 and value > points[piece + 1][0]:
            piece += 1
        (start, low), high = points[piece], points[piece + 1][1]
        width = widths[piece]
        part = min(1.0, max(0.0, (value - start) / width))
        back = 1 - part
        found.append(
            low * back * back * (1 + 2 * part)
            + high * part * part * (1 + 2 * back)
            + width * part * back * (slopes[piece] * back - slopes[piece + 1] * part)
        )
    return found


def _slope(width: float, next_width: float, rise: float, next_rise: float) -> float:
    """Return the slope at the point between two pieces: a harmonic mean that leans towards the shorter one."""
    if rise * next_rise <= 0:
        return 0.0
    near, far = width + 2 * next_width, next_width + 2 * width
    return (near + far) / (near / rise + far / next_rise)
