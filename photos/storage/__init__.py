"""Pictures in the object store: what they are called, how they get there and away, and their addresses on the CDN.

keys: names, no I/O. store: the object store. signing: addresses. edge: copies at the CDN. docs/storage.md.
"""

from .edge import EdgeUnavailable, purge
from .keys import SUFFIXES, is_private, key, keys_of, new_stem, original_key
from .signing import image_url, signed_url
from .store import (
    NotThere,
    StorageUnavailable,
    client,
    copy_renditions,
    delete_keys,
    delete_original,
    delete_private,
    delete_renditions,
    put_asset,
    read_largest,
    read_original,
    read_rendition,
    store_original,
    store_private,
    store_renditions,
)

__all__ = [
    "SUFFIXES",
    "EdgeUnavailable",
    "NotThere",
    "StorageUnavailable",
    "client",
    "copy_renditions",
    "delete_keys",
    "delete_original",
    "delete_private",
    "delete_renditions",
    "image_url",
    "is_private",
    "key",
    "keys_of",
    "new_stem",
    "original_key",
    "purge",
    "put_asset",
    "read_largest",
    "read_original",
    "read_rendition",
    "signed_url",
    "store_original",
    "store_private",
    "store_renditions",
]
