"""Mentions: `@` at the start or after what is no part of a name or address, then a user name."""

import re

_MENTION = re.compile(r"(?<![A-Za-z0-9._@])@([A-Za-z0-9._]{1,30})(?![A-Za-z0-9_])")

#: People who are told of one text, at most.
MENTIONS_MAX = 20


def mentions_in(text: str) -> list[str]:
    """Return the names in a text, lower-case, each once, in order, MENTIONS_MAX at most; a dot may end the sentence."""
    names = dict.fromkeys(name.lower() for name in _MENTION.findall(text))
    return [name for name in names if name.strip(".")][:MENTIONS_MAX]
