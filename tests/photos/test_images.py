"""Pictures in, clean squares out; what is no good picture is refused in a sentence."""

import pytest
import pyvips
from django.conf import settings

from instagram.errors import InvalidParameters, TooLarge
from photos.images import render
from tests.support.people import a_photo
from tests.support.pictures import check_clean, opened


@pytest.mark.parametrize(
    ("width", "height", "largest"),
    [(640, 480, 612), (150, 3000, 612), (151, 151, 612), (1000, 800, 800), (1080, 1080, 1080), (4000, 3000, 1080)],
)
def test_renditions_are_square_and_nothing_is_enlarged_beyond_612(width, height, largest):
    check_clean(render(a_photo(width=width, height=height)), largest=largest)


def test_a_small_picture_s_largest_rendition_is_the_same_file_as_its_612():
    jpegs = render(a_photo()).jpegs

    assert jpegs[1080] is jpegs[612] or jpegs[1080] == jpegs[612]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_comes_out_upright(orientation):
    # Red above, blue below, once turned as the camera says.
    upright = pyvips.Image.black(300, 150).new_from_image([255, 0, 0])
    upright = upright.join(pyvips.Image.black(300, 150).new_from_image([0, 0, 255]), "vertical")
    undo = {1: [], 2: ["fliphor"], 3: ["rot180"], 4: ["flipver"], 5: ["fliphor", "rot270"], 6: ["rot270"],
            7: ["fliphor", "rot90"], 8: ["rot90"]}[orientation]  # fmt: skip
    stored = upright.copy(interpretation="srgb")
    for step in undo:
        stored = getattr(stored, step)()
    stored = stored.copy()
    stored.set_type(pyvips.GValue.gint_type, "orientation", orientation)

    image = opened(render(stored.jpegsave_buffer(Q=95)).jpegs[306])

    assert image(153, 50)[0] > 200
    assert image(153, 250)[2] > 200


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='300' height='300'/>", "not a picture"),
        (a_photo()[:4000], "damaged"),
        (a_photo(width=149, height=300), "at least 150"),
    ],
)
def test_what_is_no_good_picture_is_refused_in_a_sentence(image, sentence):
    with pytest.raises(InvalidParameters, match=sentence):
        render(image)


def test_a_file_over_the_limit_is_too_large():
    with pytest.raises(TooLarge):
        render(a_photo() + bytes(settings.UPLOAD_MAX_BYTES))
