"""Decode a client's picture into a clean one: upright, square, sRGB, 8 bit, no alpha, in memory. In helpers only.

Memory and time are bounded before anything is decoded: the header gives sides and pixels, and what a decoder
has to hold whole (progressive, interlaced, WebP, GIF, AVIF, HEIC) has a lower limit than what streams through.
Cut and damaged files are refused (`fail_on`): libvips would otherwise fill the rest with grey and say nothing.
"""

import pyvips

from instagram.errors import InvalidParameters, TooLarge

from .job import Limits
from .sniff import Format, jpeg_scans, sniff
from .sources import Source, Unreadable, opened, reading

#: Loaders a stranger's file may reach; every other one is blocked by libvips itself.
_LOADERS = ["Jpeg", "Png", "Webp", "Nsgif", "Heif"]
#: Bytes of a usual pixel: the limit for what is held whole is meant for these.
_USUAL_BYTES = 3
_WHITE = 255


def prepare() -> None:
    """Set libvips up, once per process and not before a fork: a forked child of a running libvips deadlocks."""
    pyvips.cache_set_max(0)  # every upload is another picture: a cache would only hold memory
    pyvips.concurrency_set(1)  # pictures are decoded side by side; more threads for each cost CPU and gain a tenth
    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in _LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)


def normalise(
    image: bytes | bytearray, limits: Limits, *, largest: int, smallest: int
) -> tuple[Format, Source, pyvips.Image]:
    """Return a picture's format, what its header says, and its centre square, upright, as 8-bit sRGB in memory.

    The square's side is the picture's shorter side, brought into smallest..largest pixels.
    Raises InvalidParameters and TooLarge with a sentence for the person who sent the file.
    """
    if len(image) > limits.max_bytes:
        raise TooLarge(f"photo: the file is larger than {limits.max_bytes // 1024 // 1024} MB")
    picture_format = sniff(image)
    try:
        with reading():
            source = opened(picture_format, image)
        _check_limits(source, picture_format, image, limits)
        with reading():
            return picture_format, source, _square(source, largest, smallest)
    except Unreadable as error:
        raise InvalidParameters(f"photo: {error}") from error


def _check_limits(source: Source, picture_format: Format, image: bytes | bytearray, limits: Limits) -> None:
    width, height = source.width, source.height
    shape = f"{width}x{height} pixels"
    if min(width, height) < limits.min_side:
        raise InvalidParameters(f"photo: {shape}; each side needs at least {limits.min_side}")
    if max(width, height) > limits.max_side:
        raise InvalidParameters(f"photo: {shape}; a side may have at most {limits.max_side}")
    streams, kind = source.streams, "a picture stored like this"
    if picture_format is Format.JPEG:
        progressive, scans = jpeg_scans(image, most=limits.max_scans)
        if scans > limits.max_scans:
            raise InvalidParameters(f"photo: a progressive JPEG may have at most {limits.max_scans} scans")
        if progressive:
            streams, kind = False, "a progressive"
    most = limits.max_pixels
    if not streams:
        # Fewer pixels where each takes more: 16 bit, CMYK, alpha.
        most = limits.max_pixels_whole * _USUAL_BYTES // max(_USUAL_BYTES, source.pixel_bytes)
    if width * height > most:
        of_what = "" if streams else f" of {kind}"
        raise InvalidParameters(f"photo: {shape}; at most {most // 1_000_000} megapixels{of_what} can be taken")


def _square(source: Source, largest: int, smallest: int) -> pyvips.Image:
    shorter = min(source.width, source.height)
    side = max(smallest, min(largest, shorter))
    shrink = next((factor for factor in source.shrinks if shorter >= factor * side), 1)
    frame = _flattened(source.pixels(shrink))
    shorter = min(frame.width, frame.height)
    # Columns that will not be seen are dropped at once. Rows are not: the last one must be read to know that the
    # file is whole, and the file streams through from top to bottom.
    if frame.width > frame.height:
        frame = frame.crop((frame.width - shorter) // 2, 0, shorter, frame.height)
    if shorter > side:
        frame = frame.resize(side / shorter)
    # From here on in memory, at most `side` or the file's own shorter side wide.
    frame = frame.copy_memory().autorot()
    shorter = min(frame.width, frame.height)
    frame = frame.crop((frame.width - shorter) // 2, (frame.height - shorter) // 2, shorter, shorter)
    frame = _srgb(frame)
    if shorter != side:
        frame = frame.resize(side / shorter)
    return frame.copy_memory()


def _flattened(frame: pyvips.Image) -> pyvips.Image:
    """Return the picture without alpha, on white."""
    if frame.hasalpha():
        most = 65_535 if frame.format == "ushort" else _WHITE
        frame = frame.flatten(background=[most] * max(1, frame.bands - 1))
    return frame


def _srgb(frame: pyvips.Image) -> pyvips.Image:
    """Return the picture in sRGB, 8 bit, three bands; by its own profile where it carries one that can be read."""
    if frame.get_typeof("icc-profile-data"):
        try:
            return _three_bands(frame.icc_transform("srgb", embedded=True, depth=8).copy_memory())
        except pyvips.Error:
            # A damaged profile is no reason to refuse a picture; the usual meaning of its numbers must do.
            frame = frame.copy()
            frame.remove("icc-profile-data")
    return _three_bands(frame.colourspace("srgb").cast("uchar"))


def _three_bands(frame: pyvips.Image) -> pyvips.Image:
    if frame.bands == 1:
        frame = frame.bandjoin([frame, frame])
    return frame.extract_band(0, n=3)
