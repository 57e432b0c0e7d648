"""Words of a post within a service's limit, cut where a reader would cut them; the link always stays whole."""

import re
from collections.abc import Callable

import regex

ELLIPSIS = "…"
#: twitter-text's ranges that weigh one; everything else weighs two.
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
#: What X turns into a link, and what each link weighs.
_LINKISH = re.compile(r"\S+\.\S+")
X_LINK_WEIGHT = 23


def cut(text: str, limit: int, measure: Callable[[str], int] = len) -> str:
    """Return the text, or its beginning with an ellipsis, so that it measures `limit` at most.

    Cut between graphemes (a flag, a family, a letter with its accent stay whole), and between words if one ends soon.
    """
    text = text.strip()
    if measure(text) <= limit:
        return text
    graphemes = regex.findall(r"\X", text)
    if measure(ELLIPSIS) > limit:
        return ""
    low, high = 0, len(graphemes)
    while low < high:  # the longest beginning that fits; texts have thousands of characters, measuring is linear
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(_ended(graphemes[:middle])) <= limit else (low, middle - 1)
    kept = "".join(graphemes[:low])
    last_space = kept.rfind(" ")
    if low < len(graphemes) and not graphemes[low].isspace() and last_space > len(kept) * 0.6:
        graphemes = regex.findall(r"\X", kept[:last_space])
        low = len(graphemes)
    # Half an address can weigh more than a longer half.
    while low and measure(_ended(graphemes[:low])) > limit:
        low -= 1
    return _ended(graphemes[:low]) if "".join(graphemes[:low]).strip() else ""


def _ended(graphemes: list[str]) -> str:
    return "".join(graphemes).rstrip() + ELLIPSIS


def with_link(text: str, link: str, *, limit: int, measure: Callable[[str], int] = len) -> str:
    """Return the text, cut if need be, and the link after it, together `limit` at most."""
    words = cut(text, limit - measure(link) - 1, measure)
    return f"{words} {link}" if words else link


def x_weight(text: str) -> int:
    """Return what a text weighs at X, at least: it never takes more than this says.

    Emoji of several code points weigh two there and more here: a text may be cut a little early, never refused.
    """
    linked = sum(max(0, X_LINK_WEIGHT - len(each)) for each in _LINKISH.findall(text))
    return linked + sum(1 if any(low <= ord(c) <= high for low, high in _LIGHT) else 2 for c in text)


def one_line(text: str, limit: int) -> str:
    """Return the first line of a text, cut: for titles."""
    return cut(next(iter(text.strip().splitlines()), ""), limit)
