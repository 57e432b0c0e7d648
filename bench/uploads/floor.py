"""The least an upload costs: libvips called by hand in this process, one PUT after the other.

It knows beforehand what the file is, checks nothing, looks at no metadata, makes neither placeholder nor receipt, and
would take the process down with it. Its JPEGs are ours, byte for byte.
"""

import pyvips

from photos.images import SIZES


def prepare() -> None:
    """Set libvips up as a helper does."""
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)


def phone(image: bytes) -> dict[int, bytes]:
    """Return the JPEGs of a 12-megapixel JPEG that lies on its side."""
    frame = pyvips.Image.jpegload_buffer(image, shrink=2, access="sequential", fail_on="error")
    frame = frame.crop((frame.width - frame.height) // 2, 0, frame.height, frame.height)
    return _jpegs(frame.resize(1080 / frame.height).copy_memory().autorot().copy_memory())


def square(image: bytes) -> dict[int, bytes]:
    """Return the JPEGs of a square one of 612 pixels."""
    return _jpegs(pyvips.Image.jpegload_buffer(image, access="sequential", fail_on="error").copy_memory())


def _jpegs(frame: pyvips.Image) -> dict[int, bytes]:
    jpegs, jpeg = {}, b""
    for side in SIZES:
        if frame.width > side:
            frame, jpeg = frame.resize(side / frame.width).copy_memory(), b""
        jpegs[side] = jpeg = jpeg or frame.jpegsave_buffer(
            Q=85, keep="none", subsample_mode="auto", optimize_coding=True, interlace=side >= 306, quant_table=2
        )
    return jpegs
