"""Files without their metadata: the same picture, and nothing else of what the camera wrote."""

import pytest
import pyvips

from photos.images import render
from photos.images.strip import stripped
from tests.support.people import a_photo
from tests.support.private import ROOT

SHARED = ROOT.parent / "shared" / "data" / "exif"
SECRET = "S3CRET-WORDS"  # not a password


def made(suffix: str, orientation: int) -> bytes:
    picture = pyvips.Image.new_from_buffer(a_photo(), "").copy()
    text = pyvips.GValue.gstr_type
    picture.set_type(text, "exif-ifd0-ImageDescription", f"{SECRET} ({SECRET}, ASCII, 13 components, 13 bytes)")
    picture.set_type(text, "exif-ifd3-GPSLatitude", "37/1 48/1 0/1")
    picture.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    picture.set_type(pyvips.GValue.blob_type, "xmp-data", f"<x>{SECRET}</x>".encode())
    return picture.write_to_buffer(suffix)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("suffix", [".jpg[Q=90]", ".jpg[interlace]", ".png", ".webp", ".webp[lossless]"])
def test_the_picture_is_the_same_and_the_rest_is_gone(suffix, orientation):
    image = made(suffix, orientation)
    assert SECRET.encode() in image

    clean = stripped(image)

    assert SECRET.encode() not in clean
    assert b"GPS" not in clean
    assert render(clean).jpegs == render(image).jpegs
    assert render(clean).taken.had_gps is False


def test_what_stands_behind_the_end_of_the_picture_goes():
    assert stripped(a_photo() + b"a film with sound") == stripped(a_photo())


@pytest.mark.parametrize("marker", [0xDC, 0xE0, 0xE3, 0xED, 0xEF, 0xFE])
def test_no_segment_that_a_decoder_passes_over_stays(marker):
    image, words = a_photo(), SECRET.encode()
    segment = bytes([0xFF, marker]) + (len(words) + 2).to_bytes(2, "big") + words
    at = image.index(b"\xff\xdb")

    clean = stripped(image[:at] + segment + image[at:])

    assert words not in clean
    assert render(clean).jpegs == render(image).jpegs


@pytest.mark.parametrize(
    ("kind", "head"),
    [(0xE0, b"JFIF\0\1\1\0\0\1\0\1\3\1"), (0xEE, b"Adobe\0\x64\0\0\0\0\1")],
    ids=["JFIF's thumbnail", "Adobe's tail"],
)
def test_nothing_hides_behind_what_stays_of_a_segment(kind, head):
    photo, segment = a_photo(), head + SECRET.encode()
    image = photo[:2] + bytes([0xFF, kind, 0, len(segment) + 2]) + segment + photo[photo.index(b"\xff\xdb") :]

    clean = stripped(image)

    assert SECRET.encode() not in clean
    assert render(clean).jpegs == render(image).jpegs


def test_stripping_it_again_changes_nothing():
    clean = stripped(made(".jpg", 6))

    assert stripped(clean) == clean


@pytest.mark.parametrize("image", [b"", b"GIF89a", b"<svg/>", a_photo()[:-400], a_photo()[:30], b"\xff\xd8\xff\xe1"])
def test_what_cannot_be_stripped_is_said_to_be_so(image):
    assert stripped(image) is None


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_file_cut_anywhere_is_not_taken_for_one_that_was_stripped(suffix):
    image = made(suffix, 6)

    # The last two bytes are a JPEG's end, and padding or checksum of the others.
    assert {stripped(image[:cut]) for cut in range(0, len(image) - 12, 11)} == {None}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of photographs with metadata is not beside this one")
def test_photographs_of_many_cameras_are_the_same_without_their_metadata():
    seen = 0
    for path in sorted(SHARED.iterdir()):
        image = path.read_bytes()
        try:
            wanted = render(image)
        except Exception:  # noqa: S112  # not taken: another test's table says why
            continue
        clean = stripped(image)
        if path.suffix.lower() in (".jpg", ".webp", ".png"):
            assert clean is not None, path.name
            assert render(clean).jpegs == wanted.jpegs, path.name
            assert render(clean).taken.had_gps is False, path.name
            seen += 1
    assert seen > 20
