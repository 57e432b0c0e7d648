"""Open a file: its header first, its pixels when they are asked for. Here is all that knows of libraries' loaders."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyvips

from .sniff import Format

#: libvips's loaders, by format. HEIC has none: the libvips we carry has no HEVC decoder.
_LOADERS = {
    Format.JPEG: "jpegload_source",
    Format.PNG: "pngload_source",
    Format.WEBP: "webpload_source",
    Format.GIF: "gifload_source",
    Format.AVIF: "heifload_source",
}
#: What the decoders of JPEG and WebP can scale by while they decode.
_SHRINKS = (8, 4, 2)
#: Beginnings of libvips's names for what is not the picture itself; a colour profile tells nothing about a person.
_METADATA = ("exif-", "xmp-", "iptc-", "png-comment-", "gif-comment", "photoshop-")
#: The tag of a directory of positions in EXIF, and of the latitude in it.
_GPS_IFD, _LATITUDE = 0x8825, 2


#: How the libraries say that the kernel gave them no more memory. libwebp does not tell that from damage.
_NO_MEMORY = re.compile(r"insufficient memory|out of memory|memory allocation|allocating", re.IGNORECASE)
_EITHER = "webp2vips: unable to read pixels"


class Unreadable(Exception):
    """The library that reads the format gave up."""


@contextmanager
def reading() -> Iterator[None]:
    """Turn what libraries raise over a file into Unreadable, with a sentence."""
    try:
        yield
    except (pyvips.Error, MemoryError, ValueError, RuntimeError, EOFError, SyntaxError, OSError) as error:
        if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
            raise Unreadable("decoding takes more memory than one picture may have; send a smaller one") from error
        if _EITHER in str(error):
            raise Unreadable("the file is damaged, or takes too much memory to decode") from error
        raise Unreadable("the file is damaged or incomplete") from error


@dataclass(frozen=True, slots=True)
class Source:
    """A picture of which the header was read.

    width, height: as stored. pixel_bytes: decoded. streams: it decodes from top to bottom, without
    being held whole. shrinks: the factors by which its decoder can scale. pixels: opens it, shrunk by one of these or
    by 1, to be read once from top to bottom.
    """

    width: int
    height: int
    pixel_bytes: int
    streams: bool
    shrinks: tuple[int, ...]
    had_gps: bool
    had_metadata: bool
    pixels: Callable[[int], pyvips.Image]


def opened(picture_format: Format, image: bytes | bytearray) -> Source:
    """Read a file's header; to be called within reading()."""
    return _by_heif(image) if picture_format is Format.HEIC else _by_vips(picture_format, image)


def _by_vips(picture_format: Format, image: bytes | bytearray) -> Source:
    def load(shrink: int) -> pyvips.Image:
        scaled: dict[str, float] = {}
        if shrink > 1:
            scaled = {"scale": 1 / shrink} if picture_format is Format.WEBP else {"shrink": shrink}
        # From the memory it is in; the *_buffer loaders copy it first. Animations: the first frame.
        memory = pyvips.Source.new_from_memory(image)
        loader = getattr(pyvips.Image, _LOADERS[picture_format])
        return loader(memory, access="sequential", fail_on="error", **scaled)

    header = load(1)
    fields = header.get_fields()
    interlaced = "interlaced" in fields and bool(header.get("interlaced"))
    return Source(
        width=header.width,
        height=header.height,
        pixel_bytes=header.bands * (2 if header.format == "ushort" else 1),
        streams=picture_format in (Format.JPEG, Format.PNG) and not interlaced,
        shrinks=_SHRINKS if picture_format in (Format.JPEG, Format.WEBP) else (),
        had_gps=any("GPSLatitude" in field for field in fields)
        or ("xmp-data" in fields and b"GPSLatitude" in bytes(header.get("xmp-data"))),
        had_metadata=any(field.startswith(_METADATA) for field in fields),
        pixels=lambda shrink: header if shrink == 1 else load(shrink),
    )


def _by_heif(image: bytes | bytearray) -> Source:
    """Open a HEIC by libheif as Pillow's plug-in brings it: with an HEVC decoder."""
    # 6 MB and 15 ms, for the one format in a hundred uploads that needs it.
    import pillow_heif  # noqa: PLC0415  # only when needed

    # One thread, as everywhere; and the primary picture alone.
    pillow_heif.options.DECODE_THREADS = 1
    pillow_heif.options.THUMBNAILS = False
    pillow_heif.options.DEPTH_IMAGES = False
    pillow_heif.options.AUX_IMAGES = False
    file = pillow_heif.open_heif(bytes(image), convert_hdr_to_8bit=True)
    width, height = file.size
    bands = len(file.mode)  # L, LA, RGB, RGBA
    exif, xmp = file.info.get("exif") or b"", file.info.get("xmp") or b""

    def pixels(_shrink: int) -> pyvips.Image:
        # A row may be longer than its pixels. What its EXIF says of turning is left out: libheif has turned it.
        rows = pyvips.Image.new_from_memory(file.data, file.stride, height, 1, "uchar").crop(
            0, 0, width * bands, height
        )
        frame = rows.bandfold(factor=bands).copy(interpretation="srgb" if bands > 2 else "b-w")
        if profile := file.info.get("icc_profile"):
            frame.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        return frame

    return Source(
        width=width,
        height=height,
        pixel_bytes=bands,
        streams=False,
        shrinks=(),
        had_gps=_has_position(exif) or b"GPSLatitude" in xmp,
        had_metadata=bool(exif or xmp),
        pixels=pixels,
    )


def _has_position(exif: bytes) -> bool:
    from PIL import Image  # noqa: PLC0415  # there with pillow_heif

    tags = Image.Exif()
    try:
        tags.load(exif)
        return _LATITUDE in tags.get_ifd(_GPS_IFD)
    except Exception:  # whatever a stranger's bytes make a parser raise: no position can be read
        return False
