"""Pictures in, clean squares out; what is no good picture is refused in a sentence."""

import pytest
from django.conf import settings

from instagram.errors import InvalidParameters, TooLarge
from photos.filters import Look
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


def test_a_look_is_laid_on_every_rendition_and_on_the_placeholder():
    rendered = render(a_photo(), Look("Inkwell"))

    for jpeg in rendered.jpegs.values():
        red, green, blue = opened(jpeg).cast("int").bandsplit()
        assert max((red - green).abs().max(), (green - blue).abs().max()) <= 4  # grey
    assert rendered.placeholder != render(a_photo()).placeholder
