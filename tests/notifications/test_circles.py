"""Circles: distances known from elsewhere, and boxes that never cut a circle."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.circles import EARTH_M, box_around, distance_m


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        ((37.8, -122.39), (37.8, -122.39), 0),
        ((0, 0), (0, 180), math.pi * EARTH_M),
        ((0, 179.99), (0, -179.99), 2_224),
        ((48.8583, 2.2945), (48.8738, 2.2950), 1_724),
        ((90, 0), (89.99, 123), 1_112),
    ],
)
def test_distances_are_along_the_globe(one, other, metres):
    assert distance_m(*one, *other) == pytest.approx(metres, abs=1)


@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    radius=st.floats(1, 5_000),
    bearing=st.floats(0, 2 * math.pi),
    share=st.floats(0, 1),
)
def test_whatever_lies_in_a_circle_lies_in_its_box(latitude, longitude, radius, bearing, share):
    # The point at a distance and bearing from the centre.
    delta, phi = radius * share / EARTH_M, math.radians(latitude)
    other_phi = math.asin(
        max(-1.0, min(1.0, math.sin(phi) * math.cos(delta) + math.cos(phi) * math.sin(delta) * math.cos(bearing)))
    )
    east = math.atan2(
        math.sin(bearing) * math.sin(delta) * math.cos(phi), math.cos(delta) - math.sin(phi) * math.sin(other_phi)
    )
    other_longitude = (longitude + math.degrees(east) + 180) % 360 - 180
    box = box_around(latitude, longitude, radius)

    assert box.south <= math.degrees(other_phi) <= box.north
    if box.longitudes is not None:
        assert any(west <= other_longitude <= eastern for west, eastern in box.longitudes)
