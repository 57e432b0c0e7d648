"""A thumbhash that others can read, and a colour."""

import pytest
import pyvips

from photos.images import render
from photos.images.placeholder import SIDE, dominant_colour, thumbhash


def pixels(colour_at):
    return bytes(value for y in range(SIDE) for x in range(SIDE) for value in colour_at(x, y))


@pytest.mark.parametrize(
    ("colour_at", "expected"),
    [
        (lambda x, y: (x * 10, y * 10, x * y * 7 % 256), "dc070a271860667770777776786877688777070bb8708f08"),
        (
            lambda x, y: ((x * 37 + y * 91) % 256, x * x % 256, y * y * 3 % 256),
            "1a48063f1030b7557388777087477777887937c5f7bf7707",
        ),
    ],
)
def test_a_placeholder_is_what_the_format_s_own_code_makes(colour_at, expected):
    # Expected: rgbaToThumbHash of the npm package thumbhash 0.1.1.
    assert thumbhash(pixels(colour_at)).hex() == expected


def test_a_picture_of_one_colour_has_a_placeholder_as_well():
    assert len(thumbhash(pixels(lambda _x, _y: (255, 255, 255)))) == 24


def test_the_dominant_colour_is_the_most_frequent_not_the_mean():
    mostly_red = pixels(lambda _x, y: (200, 16, 16) if y < SIDE * 2 // 3 else (16, 200, 16))

    assert dominant_colour(mostly_red) == 0xC81010


def test_both_are_made_of_the_picture_that_is_served():
    green = pyvips.Image.black(300, 300).new_from_image([20, 160, 40]).cast("uchar").copy(interpretation="srgb")

    rendered = render(green.pngsave_buffer())

    red, green, blue = rendered.colour.to_bytes(3, "big")
    assert (red, green, blue) == pytest.approx((20, 160, 40), abs=3)
    assert len(rendered.placeholder) == 24
