"""Hashtags: `#` at the start or after a non-word character, then letters, digits, underscores, not all digits."""

import re

_TAG = re.compile(r"(?<!\w)#(\w*[^\W\d]\w*)")


def hashtags_in(*texts: str) -> list[str]:
    """Return the tags of the texts, lower-case, each once, in order of appearance."""
    return list(dict.fromkeys(tag.lower() for text in texts for tag in _TAG.findall(text)))
