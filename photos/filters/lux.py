"""Lux: more local contrast. Shadows open, haze lifts, edges keep clean.

The picture is split into a base (what is large) and detail by a guided filter worked out at an eighth of the size;
detail grows, the base is drawn towards its middle, and each pixel's colour is scaled by what its brightness gained.
Source: He, Sun: Fast Guided Filter, 2015.
"""

from pyvips import Image

from .steps import LUMA

_SHRINK = 8
#: Radius of the neighbourhood, parts of the side.
_RADIUS = 0.04
#: Steps of brightness below this (out of 255) are detail, above it edges.
_EDGE = 26.0
#: At full amount: detail times 1 + this; the base this part of the way to its middle, from below and from above:
#: shadows are to open, but a white sky is to stay white.
_DETAIL, _LIFT, _LOWER = 0.9, 0.24, 0.06
_MIDDLE = 122.0
#: Added before dividing, so that noise in the dark is not blown up.
_FLOOR = 12.0


def lux(frame: Image, amount: float) -> Image:
    """Return the picture with `amount` (0 to 1) of local contrast added."""
    light = frame.recomb(Image.new_from_array([list(LUMA)]))
    base = _base(light)
    to_middle = _MIDDLE - base
    gained = (
        (light - base) * _DETAIL + to_middle.clamp(min=0, max=255) * _LIFT + to_middle.clamp(min=-255, max=0) * _LOWER
    ) * amount
    gain = (light + gained).clamp(min=0, max=510) + _FLOOR
    return (frame * (gain / (light + _FLOOR))).rint().cast("uchar")


def _base(light: Image) -> Image:
    """Return the brightness with everything small smoothed away, and the edges of what is large kept."""
    small = light.shrink(_SHRINK, _SHRINK).copy_memory()
    sigma = max(1.0, _RADIUS * small.width)
    mean = small.gaussblur(sigma)
    spread = ((small * small).gaussblur(sigma) - mean * mean).clamp(min=0, max=255 * 255)
    slope = spread / (spread + _EDGE * _EDGE)
    line = slope.bandjoin(mean - slope * mean).gaussblur(sigma / 2).copy_memory()
    line = line.resize(light.width / small.width, vscale=light.height / small.height, kernel="linear")
    return light * line[0] + line[1]
