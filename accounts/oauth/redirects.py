"""Redirect URIs: which may be registered, which match, and what is appended to them.

A redirect URI decides who receives codes and tokens, so two readers must never take one text for two hosts: what
browsers and urllib could read differently (backslashes, user names before the host, control characters) is refused.
"""

import re
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

#: Schemes that run script in our page or open the person's own files.
FORBIDDEN_SCHEMES = frozenset({"javascript", "data", "vbscript", "file", "blob", "filesystem", "about", "view-source"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Printable ASCII without the space, the backslash, and what no address holds unescaped.
_TEXT = re.compile(r"[!$-;=?-\[\]_a-z~%]+")
MAX_CHARS = 500


class _Parts(NamedTuple):
    scheme: str
    host: str
    port: int | None
    path: str


def is_usable(uri: str) -> bool:
    """Return whether an address may be registered: absolute, no fragment, any scheme but those that run script."""
    return len(uri) <= MAX_CHARS and _parts(uri) is not None


def matches(uri: str, registered: list[str]) -> bool:
    """Return whether an address equals a registered one in scheme, host, port and path; its query is free."""
    parts = _parts(uri)
    return parts is not None and any(parts == _parts(each) for each in registered)


def with_query(uri: str, **values: str) -> str:
    """Return the address with parameters added to its query, which stays; empty values are left out."""
    separator = "" if uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    return uri + separator + _encoded(values)


def with_fragment(uri: str, **values: str) -> str:
    """Return the address with parameters as its fragment, which browsers do not send to the host."""
    return f"{uri}#{_encoded(values)}"


def _encoded(values: dict[str, str]) -> str:
    return urlencode({name: value for name, value in values.items() if value})


def _parts(uri: str) -> _Parts | None:
    if not _TEXT.fullmatch(uri):  # a fragment is among what it refuses
        return None
    try:
        split = urlsplit(uri)
        port = split.port
    except ValueError:
        return None
    web = split.scheme in _DEFAULT_PORTS
    if not split.scheme or split.scheme in FORBIDDEN_SCHEMES or "@" in split.netloc or (web and not split.hostname):
        return None
    path = split.path or ("/" if web else "")
    if not (path or uri[len(split.scheme) :].startswith("://")):
        return None
    return _Parts(split.scheme, split.hostname or "", port or _DEFAULT_PORTS.get(split.scheme), path)
