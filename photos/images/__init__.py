"""From whatever a client sent to the JPEGs we serve: bytes in, bytes out, no database and no network.

`render` is the one door. It keeps no state between pictures, so it can be called in a helper process as well.
"""

from .rendered import SIZES, DecodingUnavailable, Rendered, Taken
from .renditions import render

__all__ = ["SIZES", "DecodingUnavailable", "Rendered", "Taken", "render"]
