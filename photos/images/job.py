"""What a helper process is asked and answers, on the wire.

A frame is two lengths, JSON facts and a body of raw bytes. Never pickle: the process that decodes strangers' files
must not be able to run anything in the one that asks.
"""

import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings

from .rendered import Rendered, Taken

_LENGTHS = struct.Struct("!II")
#: Bytes of facts in a frame, at most.
_MOST_FACTS = 64 * 1024
#: Bytes of an answer's body, at most: four JPEGs of photographs are some 0.4 MB.
MOST_JPEG_BYTES = 32 * 1024 * 1024


class Hangup(Exception):
    """The other side is gone, or talks nonsense."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a picture may be and cost; the settings of the same names say more."""

    max_bytes: int
    min_side: int
    max_side: int
    max_pixels: int
    max_pixels_whole: int
    max_scans: int
    cpu_s: float
    quality: int

    @classmethod
    def of_settings(cls) -> "Limits":
        """Return those of now: they travel with each picture, so helpers read no settings and know no secrets."""
        return cls(
            max_bytes=settings.UPLOAD_MAX_BYTES,
            min_side=settings.IMAGE_MIN_SIDE,
            max_side=settings.IMAGE_MAX_SIDE,
            max_pixels=settings.IMAGE_MAX_PIXELS,
            max_pixels_whole=settings.IMAGE_MAX_PIXELS_WHOLE,
            max_scans=settings.IMAGE_MAX_SCANS,
            cpu_s=settings.IMAGE_CPU_S,
            quality=settings.JPEG_QUALITY,
        )


def send(channel: socket.socket, facts: Mapping[str, Any], body: bytes) -> None:
    """Send a frame. Raises Hangup, TimeoutError."""
    head = json.dumps(facts).encode()
    try:
        channel.sendall(_LENGTHS.pack(len(head), len(body)) + head)
        channel.sendall(body)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Hangup from error


def receive(channel: socket.socket, *, most: int) -> tuple[dict[str, Any], bytearray]:
    """Return facts and body of one frame; a body over `most` bytes is nonsense. Raises Hangup, TimeoutError."""
    head_length, body_length = _LENGTHS.unpack(_exactly(channel, _LENGTHS.size))
    if head_length > _MOST_FACTS or body_length > most:
        raise Hangup
    facts = json.loads(_exactly(channel, head_length))
    return facts, _exactly(channel, body_length)


def packed(rendered: Rendered) -> tuple[dict[str, Any], bytes]:
    """Return facts and body of an answer."""
    facts = {
        "jpegs": [[side, len(jpeg)] for side, jpeg in rendered.jpegs.items()],
        "placeholder": rendered.placeholder.hex(),
        "colour": rendered.colour,
        "taken": asdict(rendered.taken),
    }
    return facts, b"".join(rendered.jpegs.values())


def unpacked(facts: Mapping[str, Any], body: bytearray) -> Rendered:
    """Return what was packed."""
    jpegs, at = {}, 0
    for side, length in facts["jpegs"]:
        jpegs[side] = bytes(body[at : at + length])
        at += length
    return Rendered(jpegs, bytes.fromhex(facts["placeholder"]), facts["colour"], Taken(**facts["taken"]))


def _exactly(channel: socket.socket, length: int) -> bytearray:
    found = bytearray(length)
    view, at = memoryview(found), 0
    try:
        while at < length:
            # All at once where the socket blocks: one call instead of one for each piece the kernel can hold.
            got = channel.recv_into(view[at:], 0, socket.MSG_WAITALL)
            if not got:
                raise Hangup
            at += got
    except ConnectionResetError as error:
        raise Hangup from error
    return found
