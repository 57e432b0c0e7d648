"""The real, the odd and the hostile files of ../shared/data, each against its folder's table."""

import csv
import hashlib
import time

import pytest
from django.conf import settings

from instagram.errors import InvalidParameters
from photos.images import render
from tests.support.pictures import check_clean

DATA = settings.BASE_DIR.parent / "shared" / "data"
#: Of the files where a server may choose, those we take; docs/images.md says by what rules.
TAKEN = {
    # Every pixel is there, though the end is missing or some of them are wrong.
    "cut-png-no-iend.png", "bad-jpeg-scan-bytes.jpg", "bad-jpeg-no-huffman.jpg", "iue-300x300.gif",
    # What else they would unpack is never asked for.
    "bomb-png-ztxt-100mb.png", "bomb-png-iccp-100mb.png",
    # Of animations the first frame.
    "bomb-apng-frames.png", "fmt-animated.gif", "fmt-animated.webp", "sharp-animated-loop-3.gif",
    "sharp-animated-loop-3.webp", "imagers-anim.webp", "imagers-advertises_rgba_but_frames_are_rgb.webp",
    "libavif-colors-animated-8bpc.avif",
    # GIF, WebP, AVIF under any name.
    "poly-gif-php.gif", "ext-gif-named.jpg", "ext-webp-named.jpg", "fmt-webp-lossless-alpha.webp", "fmt-avif.avif",
    "exif-webp-orientation-6.webp", "libavif-kodim03_yuv420_8bpc.avif", "libavif-colors_hdr_rec2020.avif",
    "linku-fox.profile2.12bpc.yuv444.avif",
    # Within our limits.
    "dim-319x320.jpg", "dim-48mp.jpg",
}  # fmt: skip


def manifest(folder):
    path = DATA / folder / "manifest.csv"
    if not path.exists():
        reason = f"no {folder} samples beside this clone (../shared/data)"
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))]
    with path.open() as file:
        return [pytest.param(row, id=row["file"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("row", manifest("photos"))
def test_real_photographs_come_out_clean(row):
    image = (DATA / "photos" / row["file"]).read_bytes()

    rendered = render(image)

    check_clean(rendered)
    taken = rendered.taken
    assert (taken.byte_count, taken.width, taken.height) == tuple(int(row[it]) for it in ("bytes", "width", "height"))
    assert taken.sha256 == hashlib.sha256(image).hexdigest() == row["sha256"]
    assert taken.had_gps == (row["has_gps"] == "yes")


@pytest.mark.parametrize("row", manifest("exif"))
def test_cameras_files_come_out_clean_or_are_refused_for_their_size(row):
    try:
        rendered = render((DATA / "exif" / row["file"]).read_bytes())
    except InvalidParameters as error:
        assert "at least 150" in str(error) or row["opens"] != "yes"
        return
    check_clean(rendered)
    if row["lat"]:
        assert rendered.taken.had_gps


@pytest.mark.parametrize("row", manifest("hostile"))
def test_hostile_files_are_refused_or_cleaned_as_their_table_says(row):
    started = time.monotonic()
    try:
        check_clean(render((DATA / "hostile" / row["file"]).read_bytes()))
        outcome = "accept"
    except InvalidParameters as error:
        assert str(error).startswith("photo: ")
        assert "cannot be decoded" not in str(error)  # no helper died of it
        outcome = "refuse"

    chosen = "accept" if row["file"] in TAKEN else "refuse"
    assert outcome == (chosen if row["expect"] == "either" else row["expect"])
    assert time.monotonic() - started < 10
