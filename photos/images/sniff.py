"""What a file is, by its first bytes. Names and content types given by clients are never asked.

Formats are allowed by list: libvips would also open SVG, TIFF and others, which are no photographs of a phone
or not safe to take from strangers.
"""

import re
from collections.abc import Callable
from enum import Enum

from instagram.errors import InvalidParameters

_HEVC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF_BRANDS = {b"avif"}

#: A marker in JPEG scan data: 0xFF followed by neither stuffing, a restart nor a fill byte.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SOS, _EOI, _PROGRESSIVE = 0xDA, 0xD9, {0xC2, 0xC6, 0xCA, 0xCE}


class Format(Enum):
    """A picture format we take; the value is its name for people."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"
    GIF = "GIF"
    AVIF = "AVIF"
    HEIC = "HEIC"


_MAGIC: list[tuple[Format, Callable[[bytes], bool]]] = [
    (Format.JPEG, lambda head: head.startswith(b"\xff\xd8\xff")),
    (Format.PNG, lambda head: head.startswith(b"\x89PNG\r\n\x1a\n")),
    (Format.GIF, lambda head: head.startswith((b"GIF87a", b"GIF89a"))),
    (Format.WEBP, lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
    (Format.AVIF, lambda head: bool(_brands(head) & _AVIF_BRANDS)),
    (Format.HEIC, lambda head: bool(_brands(head) & _HEVC_BRANDS)),
]


def sniff(image: bytes | bytearray) -> Format:
    """Return the format of a file; raises InvalidParameters for what we do not take."""
    if not image:
        raise InvalidParameters("photo: the file is empty")
    head = bytes(image[:64])
    for picture_format, matches in _MAGIC:
        if matches(head):
            return picture_format
    raise InvalidParameters("photo: not a picture that can be read here; send JPEG or PNG")


def _brands(head: bytes) -> set[bytes]:
    """Return the brands of an ISO base media file: the major one and the compatible ones in sight."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12]} | {head[at : at + 4] for at in range(16, end - 3, 4)}


def jpeg_scans(image: bytes | bytearray, *, most: int) -> tuple[bool, int]:
    """Return whether a JPEG is progressive, and how many scans it has (counting stops after `most`).

    A progressive file may legally repeat thousands of nearly empty scans over the whole picture: some kilobytes
    that cost minutes. Only the markers are read, in one pass. What is no JPEG ends the walk; the decoder will say so.
    """
    at, progressive, scans = 2, False, 0
    while at + 4 <= len(image) and image[at] == 0xFF:
        marker = image[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == _EOI:
            break
        progressive |= marker in _PROGRESSIVE
        at += 2 + int.from_bytes(image[at + 2 : at + 4], "big")
        if marker == _SOS:
            scans += 1
            found = MARKER.search(image, at)
            if found is None or scans > most or not progressive:
                break  # a baseline file's scans hold each component once: nothing to count
            at = found.start()
    return progressive, scans
