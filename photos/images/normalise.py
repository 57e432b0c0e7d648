"""Decode a client's picture into a clean one: upright, square, sRGB, 8 bit, no alpha, in memory.

Memory and time are bounded before anything is decoded: the header gives sides and pixels, and what a decoder
has to hold whole (progressive, interlaced, WebP, GIF, AVIF) has a lower limit than what streams through.
Cut and damaged files are refused (`fail_on`): libvips would otherwise fill the rest with grey and say nothing.
"""

import functools

import pyvips
from django.conf import settings

from instagram.errors import InvalidParameters, TooLarge

from .sniff import Format, jpeg_scans, sniff

#: Loaders a stranger's file may reach; every other one is blocked by libvips itself.
_LOADERS = ["Jpeg", "Png", "Webp", "Nsgif", "Heif"]
#: What the JPEG decoder can scale by while it decodes.
_SHRINKS = (8, 4, 2)
_WHITE = 255


def normalise(image: bytes, *, largest: int, smallest: int) -> tuple[pyvips.Image, pyvips.Image]:
    """Return the centre square of a picture, upright, as 8-bit sRGB in memory; and the picture as it came in.

    Its side is the picture's shorter side, brought into smallest..largest pixels.
    Raises InvalidParameters and TooLarge with a sentence for the person who sent the file.
    """
    _prepare()
    if len(image) > settings.UPLOAD_MAX_BYTES:
        raise TooLarge(f"photo: the file is larger than {settings.UPLOAD_MAX_BYTES // 1024 // 1024} MB")
    picture_format = sniff(image)
    try:
        source = _open(picture_format, image)
        _check_limits(source, picture_format, image)
        return _square(source, picture_format, image, largest, smallest), source
    except pyvips.Error as error:
        raise InvalidParameters("photo: the file is damaged or incomplete") from error


@functools.cache
def _prepare() -> None:
    """Set libvips up, once per process and not before a fork: a forked child of a running libvips deadlocks."""
    pyvips.cache_set_max(0)  # every upload is another picture: a cache would only hold memory
    pyvips.concurrency_set(1)  # requests run side by side; more threads per picture cost CPU and gain a tenth
    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in _LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)


def _open(picture_format: Format, image: bytes, **options: object) -> pyvips.Image:
    """Read the header; pixels are decoded when they are asked for, top to bottom. Animations: the first frame."""
    loader = getattr(pyvips.Image, picture_format.value)
    return loader(image, access="sequential", fail_on="error", **options)


def _check_limits(source: pyvips.Image, picture_format: Format, image: bytes) -> None:
    width, height = source.width, source.height
    shape = f"{width}x{height} pixels"
    if min(width, height) < settings.IMAGE_MIN_SIDE:
        raise InvalidParameters(f"photo: {shape}; each side needs at least {settings.IMAGE_MIN_SIDE}")
    if max(width, height) > settings.IMAGE_MAX_SIDE:
        raise InvalidParameters(f"photo: {shape}; a side may have at most {settings.IMAGE_MAX_SIDE}")
    progressive = False
    if picture_format is Format.JPEG:
        progressive, scans = jpeg_scans(image, most=settings.IMAGE_MAX_SCANS)
        if scans > settings.IMAGE_MAX_SCANS:
            raise InvalidParameters(f"photo: a progressive JPEG may have at most {settings.IMAGE_MAX_SCANS} scans")
    streams = picture_format in (Format.JPEG, Format.PNG) and not progressive and not _is_interlaced(source)
    most = settings.IMAGE_MAX_PIXELS if streams else settings.IMAGE_MAX_PIXELS_WHOLE
    if width * height > most:
        kind = "" if streams else f" of a {'progressive' if progressive else 'picture stored like this'}"
        raise InvalidParameters(f"photo: {shape}; at most {most // 1_000_000} megapixels{kind} can be taken")


def _is_interlaced(source: pyvips.Image) -> bool:
    return bool(source.get_typeof("interlaced")) and bool(source.get("interlaced"))


def _square(source: pyvips.Image, picture_format: Format, image: bytes, largest: int, smallest: int) -> pyvips.Image:
    shorter = min(source.width, source.height)
    side = max(smallest, min(largest, shorter))
    if picture_format is Format.JPEG:
        shrink = next((factor for factor in _SHRINKS if shorter >= factor * side), 1)
        if shrink > 1:
            source = _open(picture_format, image, shrink=shrink)
            shorter = min(source.width, source.height)
    frame = _flattened(source)
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
    """Return the picture without alpha, on white, in 8 bit where it had 16 and no profile to say more."""
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
