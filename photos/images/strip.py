"""The same picture without what a camera wrote beside it, not decoded: container formats cut and put together again.

What a decoder needs stays: pixels, colour profiles, and the orientation, as the only word of EXIF. Everything else
goes: positions, comments, thumbnails, further pictures and films behind the end. What stays is listed, not what goes.
"""

import struct
import zlib
from collections.abc import Iterator

from instagram.errors import InvalidParameters

from .sniff import MARKER, Format, sniff

_EOI, _SOS, _DQT, _DRI, _APP0, _APP1, _APP2, _APP14 = 0xD9, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xEE
#: What a picture is decoded by: frames with Huffman and arithmetic tables (C0 to CF), scans, tables, the end.
_JPEG_STAYS = {*range(0xC0, 0xD0), _SOS, _EOI, _DQT, _DRI}
#: Bytes of a JFIF segment without a thumbnail, and of Adobe's.
_JFIF_BYTES, _ADOBE_BYTES = 18, 16
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_STAYS = {
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sRGB", b"sBIT", b"cICP", b"bKGD",
}  # fmt: skip
_WEBP_STAYS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"}
_VP8X_EXIF, _VP8X_XMP = 0x08, 0x04
_ORIENTATION = 0x0112


def stripped(image: bytes) -> bytes | None:
    """Return the file without metadata but the orientation; None for a format (or a file) where that cannot be done.

    JPEG, PNG and WebP can be. Cost: one pass over the bytes.
    """
    try:
        picture_format = sniff(image)
        strip = {Format.JPEG: _jpeg, Format.PNG: _png, Format.WEBP: _webp}.get(picture_format)
        return strip(image) if strip else None
    except (InvalidParameters, IndexError, struct.error):
        return None


def _jpeg(image: bytes) -> bytes | None:
    kept, orientation = [], 1
    for marker, segment in _jpeg_segments(image):
        if marker == _APP1 and segment[4:10] == b"Exif\0\0":
            orientation = _orientation(segment[10:])
        if _stays_in_jpeg(marker, segment):
            kept.append(_without_tail(marker, segment))
        if marker == _EOI:
            exif = b"Exif\0\0" + _exif(orientation)
            turned = [struct.pack(">BBH", 0xFF, _APP1, len(exif) + 2) + exif] if orientation != 1 else []
            return b"".join([b"\xff\xd8", *turned, *kept])
    return None  # no end: cut


def _jpeg_segments(image: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (marker, bytes with marker) after SOI, to the end of the picture; a scan comes with its data."""
    at = 2
    while True:
        if image[at] != 0xFF:
            raise IndexError
        marker = image[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == _EOI:
            yield marker, image[at : at + 2]
            return
        (length,) = struct.unpack_from(">H", image, at + 2)
        end = at + 2 + length
        if marker == _SOS:
            found = MARKER.search(image, end)
            if found is None:
                return
            end = found.start()
        yield marker, image[at:end]
        at = end


def _stays_in_jpeg(marker: int, segment: bytes) -> bool:
    if marker == _APP0:
        return segment[4:9] == b"JFIF\0" and len(segment) >= _JFIF_BYTES
    if marker == _APP14:
        return segment[4:9] == b"Adobe" and len(segment) >= _ADOBE_BYTES
    if marker == _APP2:
        return segment[4:16] == b"ICC_PROFILE\0"
    return marker in _JPEG_STAYS


def _without_tail(marker: int, segment: bytes) -> bytes:
    """Return JFIF's segment without its thumbnail, Adobe's without what nobody reads; others as they are."""
    if marker == _APP0:
        return b"\xff\xe0\0\x10" + segment[4:16] + b"\0\0"
    if marker == _APP14:
        return b"\xff\xee\0\x0e" + segment[4:16]
    return segment


def _png(image: bytes) -> bytes | None:
    kept, orientation, at = [], 1, len(_PNG_SIGNATURE)
    while True:
        length, kind = struct.unpack_from(">I4s", image, at)
        end = at + 12 + length
        if kind == b"eXIf":
            orientation = _orientation(image[at + 8 : end - 4])
        if kind in _PNG_STAYS:
            kept.append(image[at:end])
        if kind == b"IEND":
            break
        at = end
    if orientation != 1:
        chunk = b"eXIf" + _exif(orientation)
        kept.insert(1, struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)))
    return _PNG_SIGNATURE + b"".join(kept)


def _webp(image: bytes) -> bytes | None:
    kept, orientation, at = [], 1, 12
    total = 8 + int.from_bytes(image[4:8], "little")
    if total > len(image):
        return None
    while at + 8 <= total:
        kind, length = struct.unpack_from("<4sI", image, at)
        end = at + 8 + length + length % 2
        if kind == b"EXIF":
            orientation = _orientation(image[at + 8 : end].removeprefix(b"Exif\0\0"))
        if kind in _WEBP_STAYS:
            kept.append(bytearray(image[at:end]))
        at = end
    if kept and kept[0][:4] == b"VP8X":
        kept[0][8] &= ~(_VP8X_EXIF | _VP8X_XMP)
        if orientation != 1:
            kept[0][8] |= _VP8X_EXIF
            exif = _exif(orientation)
            kept.append(bytearray(struct.pack("<4sI", b"EXIF", len(exif)) + exif))
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _orientation(tiff: bytes) -> int:
    """Return the orientation, 1..8, that EXIF says; 1 where it says none."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(entries):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * entry)
            if tag == _ORIENTATION and kind == 3 and 1 <= value <= 8:
                return int(value)
    except struct.error:
        pass
    return 1


def _exif(orientation: int) -> bytes:
    """Return EXIF of one entry."""
    return b"MM\0\x2a" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, orientation, 0, 0)
