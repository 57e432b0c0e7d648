"""Circles on the globe: what is inside, and the box around one."""

import math
from dataclasses import dataclass

#: Metres: the mean radius, and what one degree of latitude is long.
EARTH_M = 6_371_008.8
DEGREE_M = math.pi * EARTH_M / 180


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees; longitudes are one range, two across the date line, or None for all of them (at a pole)."""

    south: float
    north: float
    longitudes: tuple[tuple[float, float], ...] | None


def distance_m(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the metres between two points, along the globe (haversine)."""
    phi, other_phi = math.radians(latitude), math.radians(other_latitude)
    half_phi, half_lambda = (other_phi - phi) / 2, math.radians(other_longitude - longitude) / 2
    a = math.sin(half_phi) ** 2 + math.cos(phi) * math.cos(other_phi) * math.sin(half_lambda) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(a)))


def box_around(latitude: float, longitude: float, radius_m: float) -> Box:
    """Return a box that holds the whole circle."""
    height = radius_m / DEGREE_M * 1.001  # a little more: rounding must not cut the circle
    south, north = latitude - height, latitude + height
    if south <= -90 or north >= 90:
        return Box(south, north, None)
    # The circle is widest where it is nearest to the pole.
    width = height / math.cos(math.radians(max(abs(south), abs(north))))
    west, east = longitude - width, longitude + width
    if width >= 180:
        return Box(south, north, None)
    if west < -180:
        return Box(south, north, ((west + 360, 180.0), (-180.0, east)))
    if east > 180:
        return Box(south, north, ((west, 180.0), (-180.0, east - 360)))
    return Box(south, north, ((west, east),))
