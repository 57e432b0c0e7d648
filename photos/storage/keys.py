"""Names of objects. A photo has one stem for all its renditions, another for its original.

A stem is 128 random bits in hex, for a private account's photo with a "p" before them; what is known of a photo besides
(whose, when) does not help to guess it, and its first two digits spread keys over 256 prefixes.

    pub/<2 hex>/<32 hex>_7.jpg   everybody who knows the name may read it
    prv/<2 hex>/<32 hex>_7.jpg   who has a signed address that has not ended
    org/<2 hex>/<32 hex>         nobody: a file as it came
    prv/exports/<32 hex>.zip     archives: signed addresses as well

A key is written once and never with other bytes, so everybody may cache it for good.
"""

import re
import secrets

#: What a rendition's name ends with, by its side in pixels; as the original named them.
SUFFIXES = {150: "5", 306: "6", 612: "7", 1080: "8"}
PUBLIC, PRIVATE, ORIGINALS = "pub", "prv", "org"
_MARK = "p"
_OF_A_STEM = re.compile(r"(pub|prv|org)/([0-9a-f]{2})/(\2[0-9a-f]{30})(?:_[0-9]+\.[a-z]+)?\Z")


def new_stem(*, private: bool = False) -> str:
    """Return a stem that nobody has and nobody can guess."""
    return (_MARK if private else "") + secrets.token_hex(16)


def is_private(stem: str) -> bool:
    """Return whether a stem's renditions are reached by signed addresses alone."""
    return stem.startswith(_MARK)


def key(stem: str, side: int) -> str:
    """Return the key of a rendition."""
    return f"{folder(stem)}_{SUFFIXES[side]}.jpg"


def original_key(stem: str) -> str:
    """Return the key of an original: below org/, which the CDN edge does not serve."""
    return _path(ORIGINALS, stem)


def keys_of(stem: str) -> list[str]:
    """Return the keys that renditions under a stem may have, smallest first, whether or not they are there."""
    return [key(stem, side) for side in SUFFIXES]


def folder(stem: str) -> str:
    """Return what the keys of a stem's renditions begin with."""
    return _path(PRIVATE if is_private(stem) else PUBLIC, stem)


def stem_of(found: str) -> str | None:
    """Return the stem whose key this is; None for what belongs to no stem."""
    match = _OF_A_STEM.match(found)
    if match is None:
        return None
    return (_MARK if match[1] == PRIVATE else "") + match[3]


def digits_of(stem: str) -> str:
    """Return the hex digits of a stem: what all its keys hold, wherever they are."""
    return stem.removeprefix(_MARK)


def _path(area: str, stem: str) -> str:
    digits = digits_of(stem)
    return f"{area}/{digits[:2]}/{digits}"
