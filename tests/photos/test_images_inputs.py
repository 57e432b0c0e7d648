"""Every kind of file a camera or a program writes comes out right: upright, in its colours, without what it knew.

The files are made here; those of ../shared/data are in test_images_samples.py.
"""

import io

import pillow_heif
import pytest
import pyvips
from PIL import Image

from instagram.errors import InvalidParameters
from photos.images import render
from tests.support.people import a_photo
from tests.support.pictures import MARKER, check_clean, opened

WIDTH, HEIGHT = 400, 300
#: Red above, blue below, both within what ink can print; and what a decoder with losses may make of them.
ABOVE, BELOW, NEAR = (190, 70, 50), (60, 80, 130), 12


def two_colours(width=WIDTH, height=HEIGHT):
    half = pyvips.Image.black(width, height // 2)
    picture = half.new_from_image(ABOVE).join(half.new_from_image(BELOW), "vertical")
    return picture.cast("uchar").copy(interpretation="srgb")


def as_pillow(image):
    return Image.frombytes("RGB", (image.width, image.height), bytes(image.write_to_memory()))


def pillow_bytes(image, **options):
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def heic(image, **options):
    pillow_heif.register_heif_opener()
    return pillow_bytes(as_pillow(image), format="HEIF", quality=90, **options)


def in_p3(image):
    return image.icc_transform("p3", input_profile="srgb")


FILES = {
    "JPEG": lambda image: image.jpegsave_buffer(Q=95),
    "JPEG, progressive": lambda image: image.jpegsave_buffer(Q=95, interlace=True),
    "JPEG, CMYK": lambda image: image.icc_transform("cmyk", input_profile="srgb").jpegsave_buffer(Q=95),
    "JPEG, Display P3": lambda image: in_p3(image).jpegsave_buffer(Q=95),
    "PNG": lambda image: image.pngsave_buffer(),
    "PNG, interlaced": lambda image: image.pngsave_buffer(interlace=True),
    "PNG, palette": lambda image: image.pngsave_buffer(palette=True),
    "PNG, 16 bit": lambda image: image.colourspace("rgb16").pngsave_buffer(bitdepth=16),
    "PNG, alpha": lambda image: image.bandjoin(255).pngsave_buffer(),
    "PNG, Display P3": lambda image: in_p3(image).pngsave_buffer(),
    "WebP": lambda image: image.webpsave_buffer(Q=95),
    "WebP, lossless with alpha": lambda image: image.bandjoin(255).webpsave_buffer(lossless=True),
    "GIF": lambda image: image.gifsave_buffer(),
    "AVIF": lambda image: image.heifsave_buffer(compression="av1", Q=90, effort=0),
    "HEIC": heic,
}


@pytest.mark.parametrize("kind", FILES)
def test_a_picture_of_every_kind_comes_out_in_its_colours(kind):
    rendered = render(FILES[kind](two_colours()))

    check_clean(rendered, largest=612)
    picture = opened(rendered.jpegs[612])
    assert picture(306, 100) == pytest.approx(ABOVE, abs=NEAR)
    assert picture(306, 500) == pytest.approx(BELOW, abs=NEAR)
    assert rendered.taken.format == kind.split(",")[0]
    assert (rendered.taken.width, rendered.taken.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "AVIF", "HEIC"])
def test_a_large_picture_of_every_kind_comes_out_in_its_colours(kind):
    rendered = render(FILES[kind](two_colours(3000, 2400)))

    picture = opened(rendered.jpegs[1080])
    check_clean(rendered, largest=1080)
    assert picture(540, 200) == pytest.approx(ABOVE, abs=NEAR)
    assert picture(540, 900) == pytest.approx(BELOW, abs=NEAR)


@pytest.mark.parametrize(("bits", "suffix"), [(8, ".jpg"), (8, ".png"), (16, ".png")])
def test_a_grey_ramp_stays_a_ramp(bits, suffix):
    ramp = pyvips.Image.xyz(WIDTH, WIDTH)[0] * (2**bits - 1) / (WIDTH - 1)
    if bits == 16:
        ramp = ramp.cast("ushort").copy(interpretation="grey16")
    else:
        ramp = ramp.cast("uchar").copy(interpretation="b-w")

    picture = opened(render(ramp.write_to_buffer(suffix)).jpegs[612])

    for x in (10, 153, 306, 459, 600):
        assert picture(x, 300) == pytest.approx([255 * x / 611] * 3, abs=3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_comes_out_upright(kind, orientation):
    # How a camera would have stored it: undone what the orientation says is to be done.
    undo = {1: [], 2: ["fliphor"], 3: ["rot180"], 4: ["flipver"], 5: ["fliphor", "rot270"], 6: ["rot270"],
            7: ["fliphor", "rot90"], 8: ["rot90"]}[orientation]  # fmt: skip
    stored = two_colours()
    for step in undo:
        stored = getattr(stored, step)()
    stored = stored.copy()
    stored.set_type(pyvips.GValue.gint_type, "orientation", orientation)

    picture = opened(render(FILES[kind](stored)).jpegs[306])

    assert picture(153, 50) == pytest.approx(ABOVE, abs=NEAR)
    assert picture(153, 250) == pytest.approx(BELOW, abs=NEAR)


def test_a_heic_is_turned_once():
    # The container says how it lies as well as its EXIF; libheif follows the first, so the second must not count.
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = two_colours().rot270()

    picture = opened(render(heic(stored, exif=exif.tobytes())).jpegs[306])

    assert picture(153, 50) == pytest.approx(ABOVE, abs=NEAR)


def test_transparency_is_laid_on_white():
    clear = two_colours().bandjoin(0)

    assert opened(render(clear.pngsave_buffer()).jpegs[612])(306, 306) == pytest.approx([255] * 3, abs=2)


def test_a_damaged_profile_is_left_aside():
    picture = two_colours().copy()
    picture.set_type(pyvips.GValue.blob_type, "icc-profile-data", b"no profile at all" * 20)

    check_clean(render(picture.pngsave_buffer()))


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_of_an_animation_the_first_frame_is_taken(suffix):
    frames = pyvips.Image.arrayjoin([two_colours(), two_colours().flipver()], across=1).copy()
    frames.set_type(pyvips.GValue.gint_type, "page-height", HEIGHT)

    picture = opened(render(frames.write_to_buffer(suffix)).jpegs[306])

    assert picture(153, 50) == pytest.approx(ABOVE, abs=NEAR)


def with_position(image):
    image = image.copy()
    for name, text in {
        "exif-ifd3-GPSLatitudeRef": "N (N, ASCII, 2 components, 2 bytes)",
        "exif-ifd3-GPSLatitude": "37/1 49/1 0/1 (37, 49, 0, Rational, 3 components, 24 bytes)",
        "exif-ifd0-Artist": f"{MARKER.decode()} (, ASCII, 18 components, 18 bytes)",
    }.items():
        image.set_type(pyvips.GValue.gstr_type, name, text)
    return image


def heic_with_position(image):
    exif = Image.Exif()
    exif[0x013B] = MARKER.decode()
    exif.get_ifd(0x8825)[2] = (37.0, 49.0, 0.0)
    return heic(image, exif=exif.tobytes())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "AVIF", "HEIC"])
def test_a_position_is_noticed_and_never_served(kind):
    image = heic_with_position(two_colours()) if kind == "HEIC" else FILES[kind](with_position(two_colours()))
    assert MARKER in image

    rendered = render(image)

    check_clean(rendered)  # which looks for the marker
    assert rendered.taken.had_gps
    assert rendered.taken.had_metadata


def test_a_picture_that_knew_nothing_is_said_to():
    taken = render(pillow_bytes(as_pillow(two_colours()), format="JPEG")).taken

    assert not taken.had_gps
    assert not taken.had_metadata


def test_comments_thumbnails_and_tails_are_not_served():
    jpeg = a_photo()
    comment = b"<script>" + MARKER + b"</script>"
    segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    inner = b"Exif\0\0" + MARKER + jpeg[:200]
    app1 = b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner

    check_clean(render(jpeg[:2] + segment + app1 + jpeg[2:] + b"PK\x03\x04" + MARKER))


def half(file):
    return file[: len(file) // 2]


def interlaced_16_bit():
    frame = pyvips.Image.black(4000, 3000, bands=4).cast("ushort").copy(interpretation="rgb16")
    return frame.pngsave_buffer(interlace=True, bitdepth=16)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: pyvips.Image.black(5100, 5100).jpegsave_buffer(interlace=True), "megapixels of a progressive"),
        (lambda: pyvips.Image.black(8100, 8100).jpegsave_buffer(), "at most 50 megapixels can be taken"),
        (lambda: pyvips.Image.black(9000, 200).jpegsave_buffer(), "a side may have at most"),
        (interlaced_16_bit, "at most 9 megapixels of"),
        (lambda: half(FILES["HEIC"](two_colours())), "damaged or incomplete"),
        (lambda: half(FILES["PNG"](two_colours())), "damaged or incomplete"),
        (lambda: half(FILES["WebP"](two_colours())), "damaged or incomplete"),
        (lambda: two_colours().tiffsave_buffer(), "not a picture"),
    ],
)
def test_what_costs_too_much_or_is_cut_is_refused(make, sentence):
    with pytest.raises(InvalidParameters, match=sentence):
        render(make())
