"""Hashtags: `#` at the start or after a non-word character, then letters, digits, underscores, not all digits."""

import re

_TAG = re.compile(r"(?<!\w)#(\w*[^\W\d]\w*)")


def hashtags_in(*texts: str) -> list[str]:
    """Return the tags of the texts, lower-case, each once, in order of appearance."""
    return list(dict.fromkeys(tag.lower() for text in texts for tag in _TAG.findall(text)))


#: A longer tag is printed with its photo, but not indexed: PostgreSQL's b-tree takes 2,704 bytes in all.
TAG_MAX_CHARS = 150


def tag_named(text: str) -> str | None:
    """Return the tag that a client names, with or without `#`, in whatever case; None if none could be called so."""
    name = text.removeprefix("#").lower()
    return name if len(name) <= TAG_MAX_CHARS and _TAG.fullmatch(f"#{name}") else None
