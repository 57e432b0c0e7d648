"""Where pilgram knows a filter, ours stays within a stated distance of it.

Distance: CIEDE2000, mean and 95th percentile over the pixels of nine photographs; 1 is what an eye can just tell
apart. Most rows are as near as two ways of rounding; four were moved away on purpose (docs/filters.md says why).
"""

import pilgram
import pytest
import pyvips
from django.conf import settings
from PIL import Image

from photos import filters
from photos.filters import Look

PHOTOS = settings.BASE_DIR.parent / "shared" / "data" / "photos"
#: One in twelve of them, whatever they show.
CHOSEN = sorted(PHOTOS.glob("*.jpg"))[::12]
SIDE = 300
#: Charts hold every strong colour there is, photographs few: where charts must do, distances may be larger by this.
SLACK = 1.0 if CHOSEN else 1.5

#: Our name -> theirs, and at most this far from it: mean, 95th percentile.
DISTANCES = {
    "1977": ("_1977", 1.0, 2.5),
    "Brannan": ("brannan", 3.5, 6.0),
    "Earlybird": ("earlybird", 1.0, 2.0),
    "Hudson": ("hudson", 1.0, 2.0),
    "Inkwell": ("inkwell", 1.0, 2.0),
    "Kelvin": ("kelvin", 2.0, 4.0),
    "Lo-fi": ("lofi", 1.0, 3.5),
    "Nashville": ("nashville", 1.5, 3.5),
    "Rise": ("rise", 2.0, 3.5),
    "Toaster": ("toaster", 4.0, 8.0),
    "Valencia": ("valencia", 3.0, 6.0),
    "Walden": ("walden", 1.5, 4.0),
    "X-Pro II": ("xpro2", 6.0, 13.0),
}


def made_pictures():
    """Charts for where no photographs are: all hues at all strengths, and soft colours that drift."""
    x = pyvips.Image.xyz(SIDE, SIDE) / SIDE
    wheel = (x[1] * 100).bandjoin([x[1] * 60 * (1 - x[1]) * 4, x[0] * 360]).copy(interpretation="lch")
    drift = [(x[0] * 255), (x[1] * 255), ((x[0] + x[1]) * 127.5)]
    soft = drift[0].bandjoin(drift[1:]).gaussblur(4)
    return [wheel.colourspace("srgb"), soft.cast("uchar").copy(interpretation="srgb")]


@pytest.fixture(scope="module")
def pictures():
    if not CHOSEN:
        return [picture.copy_memory() for picture in made_pictures()]
    squares = [pyvips.Image.thumbnail(str(path), SIDE, height=SIDE, crop="centre") for path in CHOSEN]
    return [square.colourspace("srgb").extract_band(0, n=3).copy_memory() for square in squares]


def distance(ours, theirs):
    """Mean and 95th percentile of CIEDE2000."""
    pixels = ours.colourspace("lab").dE00(theirs.colourspace("lab"))
    return pixels.avg(), (pixels * 100).cast("ushort").percent(95) / 100


def by_pilgram(name, square):
    drawn = getattr(pilgram, name)(Image.fromarray(square.numpy()))
    return pyvips.Image.new_from_array(drawn).copy(interpretation="srgb")


@pytest.mark.parametrize(("name", "theirs", "mean", "most"), [(name, *row) for name, row in DISTANCES.items()])
def test_ours_stays_within_the_stated_distance_of_pilgram(pictures, name, theirs, mean, most):
    found = [distance(filters.apply(square, Look(name)), by_pilgram(theirs, square)) for square in pictures]

    means, percentiles = zip(*found, strict=True)
    average = sum(means) / len(means)
    print(f"{name}: {average:.2f}, {sum(percentiles) / len(percentiles):.2f}")
    assert average <= mean * SLACK
    assert sum(percentiles) / len(percentiles) <= most * SLACK


def test_every_known_name_is_compared():
    known = {name.replace("-", "").replace(" ", "").casefold() for name in filters.NAMES}
    theirs = {name.lstrip("_").replace("xpro2", "xproii") for name in pilgram.__all__ if not name.startswith("__")}

    assert known & theirs == {name.replace("-", "").replace(" ", "").casefold() for name in DISTANCES}
