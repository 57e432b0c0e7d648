"""Pictures the benchmark uploads, made here: nothing is fetched, and every machine has the same."""

import io
from collections.abc import Callable, Iterator

import pyvips
from pillow_heif import from_bytes

#: A 12-megapixel phone held upright: pixels as its sensor stores them, turned by its EXIF.
PHONE = (4032, 3024)


def phone_jpeg() -> bytes:
    """Return what a phone sends: 4:2:0, quality 90, position and orientation in its EXIF; some 3 MB."""
    image = _scene(*PHONE).copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    for name, text in {
        "exif-ifd0-Make": "Some Maker (Some Maker, ASCII, 11 components, 11 bytes)",
        "exif-ifd3-GPSLatitudeRef": "N (N, ASCII, 2 components, 2 bytes)",
        "exif-ifd3-GPSLatitude": "37/1 49/1 0/1 (37, 49, 0, Rational, 3 components, 24 bytes)",
    }.items():
        image.set_type(pyvips.GValue.gstr_type, name, text)
    jpeg: bytes = image.jpegsave_buffer(Q=90, subsample_mode="on")
    return jpeg


def square_jpeg() -> bytes:
    """Return what the app of the time sent: 612 pixels square, cut and filtered on the device."""
    jpeg: bytes = _scene(612, 612).jpegsave_buffer(Q=85)
    return jpeg


def costly() -> Iterator[tuple[str, bytes]]:
    """Give the files that hold the most memory for their kind, just within the limits or just beyond, by name."""
    makers: dict[str, Callable[[], bytes]] = {
        "progressive JPEG, 25 MP, 4:2:0": lambda: _scene(5000, 5000).jpegsave_buffer(interlace=True, Q=60),
        "progressive JPEG, 25 MP, 4:4:4": lambda: _scene(5000, 5000).jpegsave_buffer(
            interlace=True, Q=60, subsample_mode="off"
        ),
        "progressive JPEG, 64 MP": lambda: pyvips.Image.black(8000, 8000, bands=3).jpegsave_buffer(interlace=True),
        "progressive CMYK JPEG, 18 MP": lambda: (
            _scene(4240, 4240).icc_transform("cmyk", input_profile="srgb").jpegsave_buffer(interlace=True, Q=60)
        ),
        "JPEG, 49 MP, 4:4:4": lambda: _scene(8000, 6100).jpegsave_buffer(Q=50, subsample_mode="off"),
        "PNG, 49 MP": lambda: _posterised(8000, 6100).pngsave_buffer(compression=3),
        "interlaced PNG, 25 MP": lambda: _posterised(5000, 5000).pngsave_buffer(interlace=True),
        "interlaced PNG, 16 bit with alpha, 9 MP": lambda: (
            _posterised(3000, 3000).bandjoin(255).colourspace("rgb16").pngsave_buffer(interlace=True, bitdepth=16)
        ),
        "lossless WebP with alpha, 18 MP": lambda: (
            _posterised(4240, 4240).bandjoin(200).webpsave_buffer(lossless=True, effort=0)
        ),
        "WebP, 25 MP": lambda: _scene(5000, 5000).webpsave_buffer(Q=40, effort=0),
        "GIF, 18 MP": lambda: _posterised(4240, 4240).gifsave_buffer(effort=1),
        "AVIF, 12 MP, 10 bit, 4:4:4": lambda: _scene(3500, 3500).heifsave_buffer(
            compression="av1", Q=40, effort=0, subsample_mode="off", bitdepth=10
        ),
        "HEIC, 25 MP": lambda: _heic(_posterised(5000, 5000)),
    }
    for name, make in makers.items():
        yield name, make()


def _scene(width: int, height: int) -> pyvips.Image:
    """Return a picture with large shapes, edges and grain, in memory."""
    x, y = pyvips.Image.xyz(width, height).bandsplit()
    waves = (x / 97).cast("float").sin() * 40 + (y / 61).cast("float").sin() * 40
    grain = pyvips.Image.gaussnoise(width, height, mean=0, sigma=6, seed=2011)
    edges = ((x / 150).cast("int") + (y / 130).cast("int")) % 2 * 30
    bands = [x * 120 / width + 60, y * 120 / height + 60, (x + y) * 120 / (width + height) + 40]
    frame = bands[0].bandjoin(bands[1:]) + waves + edges + grain
    return frame.cast("uchar").copy(interpretation="srgb").copy_memory()


def _posterised(width: int, height: int) -> pyvips.Image:
    """Return what compresses without losses to less than an upload may have."""
    return (_scene(width, height) // 64 * 64).cast("uchar").copy(interpretation="srgb")


def _heic(image: pyvips.Image) -> bytes:
    file = io.BytesIO()
    picture = from_bytes("RGB", (image.width, image.height), bytes(image.write_to_memory()))
    picture.save(file, quality=40, enc_params={"preset": "ultrafast"})
    return file.getvalue()
