"""From whatever a client sent to the JPEGs we serve: bytes in, bytes out, no database and no network.

`render` is the one door. It keeps no state between pictures, so it can be called in a helper process as well.
"""

from .renditions import SIZES, Rendered, render

__all__ = ["SIZES", "Rendered", "render"]
