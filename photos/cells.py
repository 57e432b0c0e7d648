"""Cells of a grid over the Earth, so that what is near a point can be found by equality: b-tree, hash, shard.

Rows of 1/40 degree of latitude (2.8 km), each cut into cells about as wide; towards the poles a row has fewer.
A circle of 1 km meets 4 cells at most, one of 5 km some 25. Distances are the database's: local.metres_between.
"""

import math

#: Rows of cells in a degree of latitude, and how many cells the longest row has.
ROWS_PER_DEGREE = 40
ROWS, LONGEST = 180 * ROWS_PER_DEGREE, 360 * ROWS_PER_DEGREE
#: The Earth's mean radius, metres: as in local.metres_between.
EARTH_RADIUS_M = 6_371_008.8
#: A little more than the circle, so that rounding loses nothing at its edge.
_SLACK = 1.000001


def cell_of(latitude: float, longitude: float) -> int:
    """Return the cell of a point, 0..ROWS*LONGEST-1. latitude: -90..90; longitude: any number of degrees."""
    row = _row(latitude)
    return row * LONGEST + _column(longitude % 360.0, _columns(row))


def cells_within(latitude: float, longitude: float, distance_m: float) -> list[int]:
    """Return the cells that a circle meets, and maybe some beside it, ascending. distance_m: of some kilometres."""
    angle = distance_m * _SLACK / EARTH_RADIUS_M
    reach = math.degrees(angle)
    south, north = latitude - reach, latitude + reach
    # How far east and west the circle reaches at its widest; all around when a pole is inside.
    width = 180.0
    if south > -90.0 and north < 90.0:
        width = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(latitude))))) * _SLACK
    cells: set[int] = set()
    for row in range(_row(max(south, -90.0)), _row(min(north, 90.0)) + 1):
        columns = _columns(row)
        if width >= 180.0 - 360.0 / columns:
            cells.update(range(row * LONGEST, row * LONGEST + columns))
            continue
        first = _column((longitude - width) % 360.0, columns)
        last = _column((longitude + width) % 360.0, columns)
        if last < first:
            last += columns
        cells.update(row * LONGEST + column % columns for column in range(first, last + 1))
    return sorted(cells)


def _row(latitude: float) -> int:
    return min(max(int((latitude + 90.0) * ROWS_PER_DEGREE), 0), ROWS - 1)


def _columns(row: int) -> int:
    """Return how many cells a row has: as many as fit around the Earth at its middle."""
    middle = math.radians((row + 0.5) / ROWS_PER_DEGREE - 90.0)
    return max(1, int(LONGEST * math.cos(middle)))


def _column(longitude: float, columns: int) -> int:
    return min(int(longitude / 360.0 * columns), columns - 1)
