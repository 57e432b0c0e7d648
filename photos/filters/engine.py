"""Draws recipes on libvips: each becomes a few look-ups, however many steps it has.

Steps that treat each channel by itself are worked out once per process for all 256 values and, if paint with a
gradient is among them, for 256 places of its way: a table of 65,536 entries, in which a pixel finds itself at
`value + 256 * place`. Steps that mix the channels are multiplied into one matrix; its result is kept in 16 bits for
the table after it. So most filters are a table, a matrix and another table.

Costs: docs/filters.md. A table takes 192 kB.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyvips import Image

from .blends import BLENDS
from .curves import smooth
from .places import places
from .steps import (
    Brightness,
    ByChannel,
    Contrast,
    Curves,
    Gradient,
    Layer,
    Lie,
    Matrix,
    Mixing,
    Point,
    Solid,
    Step,
    rgb,
    times,
)

#: Values a curve is worked out for; four to a level.
_CURVE_VALUES = 1024


@dataclass(frozen=True, slots=True)
class Stage:
    """One walk over the picture: a matrix or none, then a table by value or by value and place."""

    table: Image
    matrix: Image | None = None
    lie: Lie | None = None

    def draw(self, frame: Image) -> Image:
        """Return the picture, 8 bit again."""
        if self.matrix is not None:
            frame = frame.recomb(self.matrix).cast("ushort")
        elif self.lie is not None:
            frame = frame + places(self.lie, frame.width)
        return frame.maplut(self.table)


def draw(frame: Image, steps: tuple[Step, ...]) -> Image:
    """Return the picture with the steps of a recipe done to it, one after the other. Lazy, as libvips is."""
    for stage in _stages(steps):
        frame = stage.draw(frame)
    return frame


@functools.lru_cache(maxsize=64)
def _stages(steps: tuple[Step, ...]) -> tuple[Stage, ...]:
    """Return what a recipe comes down to. Cost: some 30 ms the first time in a process."""
    return tuple(_stage(mixing, by_channel) for mixing, by_channel in _grouped(steps))


def _grouped(steps: Sequence[Step]) -> Iterator[tuple[list[Mixing], list[ByChannel]]]:
    """Cut a recipe into stages: what mixes channels first, then what does not and shares one gradient's way."""
    mixing: list[Mixing] = []
    by_channel: list[ByChannel] = []
    lie: Lie | None = None
    for step in steps:
        if isinstance(step, Mixing):
            if by_channel:
                yield mixing, by_channel
                mixing, by_channel, lie = [], [], None
            mixing.append(step)
            continue
        its_lie = step.lie if isinstance(step, Layer) else None
        if its_lie and (mixing or lie not in (None, its_lie)):
            yield mixing, by_channel
            mixing, by_channel, lie = [], [], None
        by_channel.append(step)
        lie = lie or its_lie
    if mixing or by_channel:
        yield mixing, by_channel


def _stage(mixing: list[Mixing], by_channel: list[ByChannel]) -> Stage:
    lie = next((step.lie for step in by_channel if isinstance(step, Layer) and step.lie), None)
    if not mixing and lie is None:
        index = Image.identity().cast("float")
        return Stage(_table(index, index * 0, by_channel))
    index = Image.identity(ushort=True).cast("float")
    if not mixing:
        place = (index / 256).floor()
        return Stage(_table(index - place * 256, place, by_channel), lie=lie)
    matrix: Matrix = functools.reduce(lambda done, step: times(step.matrix(), done), mixing[1:], mixing[0].matrix())
    # 256 times as large: what the matrix says is kept to 1/256 of a level for the table.
    scaled = Image.new_from_array([[256 * number for number in row] for row in matrix])
    return Stage(_table(index / 256, index * 0, by_channel), matrix=scaled)


def _table(value: Image, place: Image, steps: list[ByChannel]) -> Image:
    """Work the steps out for every value (0 to 255) and place (0 to 255): an 8-bit image to look up in."""
    value, place = value.bandjoin([value, value]).copy_memory(), place.cast("uchar").copy_memory()
    for step in steps:
        # In memory each: a blend looks at what is below it several times, and libvips would work all of it out again.
        value = _worked_out(step, value, place).clamp(min=0, max=255).copy_memory()
    return value.rint().cast("uchar").copy_memory()


def _worked_out(step: ByChannel, value: Image, place: Image) -> Image:
    match step:
        case Curves():
            if step.all:
                value = _along((step.all, step.all, step.all), value)
            return _along((step.red, step.green, step.blue), value)
        case Contrast():
            return (value - 127.5) * step.amount + 127.5
        case Brightness():
            return value * step.amount
        case Layer():
            colour, opacity = _paint(step.paint, value, place)
            below = value / 255
            return (below + (BLENDS[step.mode](below, colour) - below) * opacity * step.opacity) * 255


def _paint(paint: Solid | Gradient, value: Image, place: Image) -> tuple[Image, Image]:
    """Return the paint's colour and opacity at each place, 0 to 1."""
    if isinstance(paint, Solid):
        # So and not new_from_image(): that takes longer than all the rest.
        return value.linear(0, [number / 255 for number in rgb(paint.colour)]), 1
    way = [_at(paint, step / 255) for step in range(256)]
    table = Image.new_from_array([[number for entry in way for number in entry]]).cast("float")
    painted = place.maplut(_in_bands(table, 4)).copy_memory()
    return painted.extract_band(0, n=3), painted.extract_band(3)


def _at(gradient: Gradient, place: float) -> tuple[float, ...]:
    """Return red, green, blue and opacity of a gradient at a place, each 0 to 1."""
    known = [(stop.place, (*(number / 255 for number in rgb(stop.colour)), stop.opacity)) for stop in gradient.stops]
    for (start, before), (end, after) in itertools.pairwise(known):
        if place <= end:
            part = max(0.0, (place - start) / (end - start))
            if gradient.soft:
                part = part * part * (3 - 2 * part)
            return tuple(a + (b - a) * part for a, b in zip(before, after, strict=True))
    return known[-1][1]


def _along(curves: tuple[tuple[Point, ...], ...], value: Image) -> Image:
    """Send each channel along its curve; an empty one is no change."""
    if not any(curves):
        return value
    scale = (_CURVE_VALUES - 1) / 255
    entries = [position / scale for position in range(_CURVE_VALUES)]
    bands = [smooth(points, entries) if points else entries for points in curves]
    table = Image.new_from_array([[band[at] for at in range(_CURVE_VALUES) for band in bands]]).cast("float")
    return (value * scale).rint().cast("ushort").maplut(_in_bands(table, 3))


def _in_bands(row: Image, bands: int) -> Image:
    """Return a table of one band, its numbers in turn, as a table of several."""
    return Image.new_from_memory(row.write_to_memory(), row.width // bands, 1, bands, "float")
