"""Blending of two images by W3C Compositing and Blending Level 1, the modes that treat each channel by itself."""

from collections.abc import Callable

from pyvips import Image

#: A quarter level: what is closer to black or white counts as black or white, where a formula would divide by nothing.
_NOTHING = 0.001


def _overlay(below: Image, above: Image) -> Image:
    return _hard_light(above, below)


def _hard_light(below: Image, above: Image) -> Image:
    return (above <= 0.5).ifthenelse(below * above * 2, 1 - (1 - below) * (1 - above) * 2)


def _soft_light(below: Image, above: Image) -> Image:
    lit = (below <= 0.25).ifthenelse(((below * 16 - 12) * below + 4) * below, below**0.5)
    darker = below - (1 - above * 2) * below * (1 - below)
    return (above <= 0.5).ifthenelse(darker, below + (above * 2 - 1) * (lit - below))


def _dodge(below: Image, above: Image) -> Image:
    lit = (below / (1 - above).clamp(min=_NOTHING, max=1)).clamp()
    return (below <= _NOTHING).ifthenelse(below * 0, lit)


def _burn(below: Image, above: Image) -> Image:
    burnt = 1 - ((1 - below) / above.clamp(min=_NOTHING, max=1)).clamp()
    return (below >= 1 - _NOTHING).ifthenelse(below * 0 + 1, burnt)


#: Mode -> (what is there, what is laid over it), both 0 to 1, to what is seen.
BLENDS: dict[str, Callable[[Image, Image], Image]] = {
    "normal": lambda below, above: above,
    "multiply": lambda below, above: below * above,
    "screen": lambda below, above: below + above - below * above,
    "overlay": _overlay,
    "soft-light": _soft_light,
    "hard-light": _hard_light,
    "darken": lambda below, above: below.minpair(above),
    "lighten": lambda below, above: below.maxpair(above),
    "colour-dodge": _dodge,
    "colour-burn": _burn,
    "exclusion": lambda below, above: below + above - below * above * 2,
    "difference": lambda below, above: (below - above).abs(),
}
