"""The same renditions by Pillow, as most Django applications make them: in the process, whole or by draft()."""

import io

from PIL import Image, ImageOps

from photos.images import SIZES


def whole(image: bytes) -> dict[int, bytes]:
    """Decode every pixel first."""
    return _jpegs(Image.open(io.BytesIO(image)))


def draft(image: bytes) -> dict[int, bytes]:
    """Let the decoder scale by 2, 4 or 8."""
    opened = Image.open(io.BytesIO(image))
    opened.draft("RGB", (SIZES[0], SIZES[0]))
    return _jpegs(opened)


def _jpegs(image: Image.Image) -> dict[int, bytes]:
    frame = ImageOps.exif_transpose(image).convert("RGB")
    side = min(frame.size)
    left, top = (frame.width - side) // 2, (frame.height - side) // 2
    frame = frame.crop((left, top, left + side, top + side))
    jpegs, jpeg = {}, b""
    for size in SIZES:
        if frame.width > size:
            frame, jpeg = frame.resize((size, size), Image.Resampling.LANCZOS), b""
        jpegs[size] = jpeg = jpeg or _saved(frame, progressive=size >= 306)
    return jpegs


def _saved(frame: Image.Image, *, progressive: bool) -> bytes:
    file = io.BytesIO()
    frame.save(file, "JPEG", quality=85, optimize=True, progressive=progressive)
    return file.getvalue()
