"""What comes out of an upload's picture. Plain values: the process that decodes and the one that asks share them."""

from dataclasses import dataclass

from instagram.errors import Unavailable

#: Rendition sides in pixels, largest first; each is made from the one before. 150, 306 and 612 are the API's.
SIZES = (1080, 612, 306, 150)


class DecodingUnavailable(Unavailable):
    """No helper process can be had now; the picture itself may be good."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came in, for the owner's receipt.

    format: JPEG, PNG, WebP, GIF, AVIF or HEIC. width, height: as stored in the file, before it is turned upright.
    sha256: of the file, hexadecimal. had_metadata: EXIF, XMP, IPTC or a comment; had_gps: a position among them.
    milliseconds: wall clock of decoding and making the renditions.
    """

    format: str
    byte_count: int
    width: int
    height: int
    sha256: str
    had_gps: bool
    had_metadata: bool
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """A photo as it is stored.

    jpegs: by the side in SIZES. 612, 306 and 150 are exactly that; the largest is as large as the picture is, at
    most 1,080 pixels and at least 612: nothing is enlarged beyond that.
    placeholder: a thumbhash of at most 25 bytes, for the page until the picture is there.
    colour: the dominant one, 0xRRGGBB.
    """

    jpegs: dict[int, bytes]
    placeholder: bytes
    colour: int
    taken: Taken
