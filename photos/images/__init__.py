"""From whatever a client sent to the JPEGs we serve: bytes in, bytes out, no database and no network.

`render` is the door for what is published, `preview` for what is looked at before, `fingerprints` for what is to be
recognised. Decoding itself runs in helper
processes (pool.py starts them, helper.py is one).
"""

from .doors import fingerprints, preview, render
from .rendered import SIZES, DecodingUnavailable, Rendered, Taken

__all__ = ["SIZES", "DecodingUnavailable", "Rendered", "Taken", "fingerprints", "preview", "render"]
