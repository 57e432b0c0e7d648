"""Taking out of texts what must not stand in a log, and more of it before a text leaves the house."""

import re
from collections.abc import Iterable

GONE = "…"
#: Names of what lets somebody in, as a parameter, a header or a key; "code" and "sig" only before an equals sign.
_NAMED = re.compile(
    r"""((?:token|secret|password|verifier|authorization|cookie|sessionid|signature|api_?key)["']?\s*[=:]\s*["']?"""
    r"""|\b(?:code|sig)=)(?!\s)(?:(?:bearer|basic)\s+)?[^\s&"',;)}]+""",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
#: Our access tokens, wherever they stand.
_TOKEN = re.compile(r"\b\d+\.[0-9a-f]{7}\.[0-9a-f]{32}\b")
_QUERY = re.compile(r"(\bhttps?://[^\s?\"'<>]*)\?[^\s\"'<>]*")
_LOGIN = re.compile(r"(://)[^/\s@]+@")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_ADDRESS = re.compile(
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])", re.IGNORECASE
)
_QUOTED = re.compile(r"\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)|“[^”\n]*”")
#: Shorter values of a caller are words of ours as well.
_SHORTEST = 4


def without_secrets(text: str) -> str:
    """Return a text without tokens, passwords and the queries of addresses: for logs. Cost: 1 us for most lines."""
    if "://" in text:
        text = _LOGIN.sub(rf"\1{GONE}@", _QUERY.sub(rf"\1?{GONE}", text))
    if "=" in text or ":" in text:
        text = _NAMED.sub(rf"\1{GONE}", text)
    text = _BEARER.sub(rf"\1 {GONE}", text)
    return _TOKEN.sub(GONE, text)


def without_people(text: str, *, sent: Iterable[str] = (), quoted: bool = False) -> str:
    """Return a text that also says nothing of a person: for what leaves the house.

    sent: what the caller sent, blotted out wherever it stands. quoted: True leaves words in quotation marks, for
    sentences whose quotes are names in our code.
    """
    for value in sorted(
        {each for each in sent if len(each) >= _SHORTEST and not each.isdigit()}, key=len, reverse=True
    ):
        text = text.replace(value, GONE)
    text = without_secrets(text)
    if not quoted:
        text = _QUOTED.sub(f"'{GONE}'", text)
    return _ADDRESS.sub(GONE, _MAIL.sub(GONE, text))
