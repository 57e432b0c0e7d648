"""From whatever a client sent to the JPEGs we serve: bytes in, bytes out, no database and no network.

`render` is the one door. Decoding itself runs in helper processes (pool.py starts them, helper.py is one).
"""

from .pool import render
from .rendered import SIZES, DecodingUnavailable, Rendered, Taken

__all__ = ["SIZES", "DecodingUnavailable", "Rendered", "Taken", "render"]
