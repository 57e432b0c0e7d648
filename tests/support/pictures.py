"""What every picture must have come out as, whatever came in."""

import pyvips

from photos.images import SIZES, Rendered

#: Files of ../shared/data that want to be served to people carry it.
MARKER = b"HOSTILE-MARKER-S1"


def opened(jpeg: bytes) -> pyvips.Image:
    """Return a rendition's pixels."""
    return pyvips.Image.new_from_buffer(jpeg, "")


def check_clean(rendered: Rendered, *, largest: int | None = None) -> None:
    """Check what every picture must come out as; largest: the side of the largest rendition, if it is known."""
    assert set(rendered.jpegs) == set(SIZES)
    for side, jpeg in rendered.jpegs.items():
        image = opened(jpeg)
        assert image.width == image.height
        assert image.bands == 3
        if side < 1080:
            assert image.width == side
        else:
            assert 612 <= image.width <= 1080
            assert largest in (None, image.width)
        assert not {"exif-data", "xmp-data", "iptc-data", "icc-profile-data"} & set(image.get_fields())
        assert MARKER not in jpeg
        assert b"Exif\0" not in jpeg
    assert 0 <= rendered.colour <= 0xFFFFFF
    assert len(rendered.placeholder) <= 25
    assert MARKER not in rendered.placeholder
