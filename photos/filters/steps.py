"""What a filter is made of: the words of recipes.py. Values only; engine.py knows how to draw them.

A step is one of two kinds. Most treat each channel by itself, by its value and perhaps by where the pixel lies:
any number of them in a row becomes one table. The others mix the channels: any number in a row becomes one matrix.
Wrong numbers raise ValueError as soon as the recipe is read.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

#: (value in, value out), 0 to 255.
Point = tuple[float, float]
Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
#: How a gradient lies on the square: from its centre (0) to its corners (1), or from its top to its bottom.
Lie = Literal["radial", "down"]

MODES = (
    "normal", "multiply", "screen", "overlay", "soft-light", "hard-light", "darken", "lighten", "colour-dodge",
    "colour-burn", "exclusion", "difference",
)  # fmt: skip

#: Weights of red, green and blue in a colour's brightness (Filter Effects Module Level 1, saturate and hue-rotate).
LUMA = (0.213, 0.715, 0.072)
#: What a turn of the hue adds, times its sine (the same).
_TURN = ((-0.213, -0.715, 0.928), (0.143, 0.140, -0.283), (-0.787, 0.715, 0.072))
_COLOUR = re.compile(r"#[0-9a-f]{6}")


def rgb(colour: str) -> tuple[int, int, int]:
    """Return the three numbers of "#rrggbb"."""
    if not _COLOUR.fullmatch(colour):
        raise ValueError(f"no colour: {colour}")
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _check(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{what} of {value}: from {low} to {high}")


@dataclass(frozen=True, slots=True)
class Curves:
    """A tone curve through the given points: for all channels, then for each. Between the points it is smooth and
    never leaves their range; before the first and after the last it is level."""

    all: tuple[Point, ...] = ()
    red: tuple[Point, ...] = ()
    green: tuple[Point, ...] = ()
    blue: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            points = getattr(self, field.name)
            values = [value for value, _ in points]
            if len(points) == 1 or values != sorted(set(values)):
                raise ValueError(f"{field.name}: a curve needs two points and more, from left to right")
            for point in points:
                for value in point:
                    _check(field.name, value, 0, 255)


@dataclass(frozen=True, slots=True)
class Contrast:
    """Values drawn away from (over 1) or towards (below 1) middle grey."""

    amount: float

    def __post_init__(self) -> None:
        _check("contrast", self.amount, 0, 3)


@dataclass(frozen=True, slots=True)
class Brightness:
    """Values times the amount."""

    amount: float

    def __post_init__(self) -> None:
        _check("brightness", self.amount, 0, 3)


@dataclass(frozen=True, slots=True)
class Solid:
    """The same colour everywhere."""

    colour: str

    def __post_init__(self) -> None:
        rgb(self.colour)


@dataclass(frozen=True, slots=True)
class Stop:
    """A colour at a place of a gradient, and how much of it."""

    place: float
    colour: str
    opacity: float = 1.0

    def __post_init__(self) -> None:
        rgb(self.colour)
        _check("place", self.place, 0, 1)
        _check("opacity", self.opacity, 0, 1)


@dataclass(frozen=True, slots=True)
class Gradient:
    """Colours that change over the square; between two stops in even steps, outside of them level.

    soft: slowly away from a stop and slowly to the next, so that the eye finds no ring where it begins.
    """

    lie: Lie
    stops: tuple[Stop, ...]
    soft: bool = False

    def __post_init__(self) -> None:
        places = [stop.place for stop in self.stops]
        if len(places) < 2 or places != sorted(set(places)):
            raise ValueError("a gradient needs two stops and more, from its beginning to its end")


def radial(*stops: Stop, soft: bool = False) -> Gradient:
    """Return a gradient from the centre to the corners."""
    return Gradient("radial", stops, soft)


def down(*stops: Stop, soft: bool = False) -> Gradient:
    """Return a gradient from the top to the bottom."""
    return Gradient("down", stops, soft)


@dataclass(frozen=True, slots=True)
class Layer:
    """Paint laid over the picture (W3C Compositing and Blending Level 1, the separable modes)."""

    mode: str
    paint: Solid | Gradient
    opacity: float = 1.0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"no mode: {self.mode}")
        _check("opacity", self.opacity, 0, 1)

    @property
    def lie(self) -> Lie | None:
        """How the paint lies on the square; None: the same everywhere."""
        return self.paint.lie if isinstance(self.paint, Gradient) else None


@dataclass(frozen=True, slots=True)
class Saturation:
    """Colours drawn away from (over 1) or towards (below 1) the grey of their brightness."""

    amount: float

    def __post_init__(self) -> None:
        _check("saturation", self.amount, 0, 3)

    def matrix(self) -> Matrix:
        """Return what it does to red, green and blue."""
        return _towards((LUMA, LUMA, LUMA), 1 - self.amount)


@dataclass(frozen=True, slots=True)
class Sepia:
    """Colours drawn towards the brown of old prints."""

    amount: float

    def __post_init__(self) -> None:
        _check("sepia", self.amount, 0, 1)

    def matrix(self) -> Matrix:
        """Return what it does to red, green and blue (Filter Effects Module Level 1)."""
        return _towards(((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131)), self.amount)


@dataclass(frozen=True, slots=True)
class Hue:
    """Colours turned around the grey axis."""

    degrees: float

    def __post_init__(self) -> None:
        _check("hue", self.degrees, -180, 180)

    def matrix(self) -> Matrix:
        """Return what it does to red, green and blue (Filter Effects Module Level 1)."""
        cos, sin = math.cos(math.radians(self.degrees)), math.sin(math.radians(self.degrees))
        return _matrix(
            lambda row, column: LUMA[column] + cos * ((row == column) - LUMA[column]) + sin * _TURN[row][column]
        )


@dataclass(frozen=True, slots=True)
class Monochrome:
    """Black and white, as film sees it behind a coloured glass: the weights of red, green and blue."""

    red: float = LUMA[0]
    green: float = LUMA[1]
    blue: float = LUMA[2]

    def __post_init__(self) -> None:
        _check("sum of weights", round(self.red + self.green + self.blue, 6), 1, 1)

    def matrix(self) -> Matrix:
        """Return what it does to red, green and blue."""
        weights = (self.red, self.green, self.blue)
        return (weights, weights, weights)


ByChannel = Curves | Contrast | Brightness | Layer
Mixing = Saturation | Sepia | Hue | Monochrome
Step = ByChannel | Mixing


def times(second: Matrix, first: Matrix) -> Matrix:
    """Return the matrix that does `first`, then `second`."""
    return _matrix(lambda row, column: sum(second[row][k] * first[k][column] for k in range(3)))


def _towards(target: Matrix, amount: float) -> Matrix:
    """Return the way from no change (0) to `target` (1)."""
    return _matrix(lambda row, column: target[row][column] * amount + (1 - amount) * (row == column))


def _matrix(number: Callable[[int, int], float]) -> Matrix:
    red, green, blue = ((number(row, 0), number(row, 1), number(row, 2)) for row in range(3))
    return red, green, blue
