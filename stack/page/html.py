"""Making HTML of a frame and a few words: everything put in is escaped unless it is HTML made here."""

import html
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

TABS = {"/": "Parts", "/inbox": "Pushes", "/outbox": "Mails", "/shares": "Shares", "/alerts": "Alerts"}
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")

_STYLE = (Path(__file__).parent / "style.css").read_text()


class Safe(str):
    """HTML made here."""

    __slots__ = ()


def markup(frame: str, **parts: str) -> Safe:
    """Return the frame with its `{parts}` filled in, escaped unless they are Safe."""
    return Safe(frame.format(**{name: _escaped(part) for name, part in parts.items()}))


def joined(parts: Iterable[Safe]) -> Safe:
    """Return parts one after the other."""
    return Safe("".join(parts))


def with_links(text: str) -> Safe:
    """Return text with its web addresses as links."""
    pieces, end = [], 0
    for found in _LINK.finditer(text):
        pieces += [html.escape(text[end : found.start()]), markup('<a href="{url}">{url}</a>', url=found[0])]
        end = found.end()
    return Safe("".join([*pieces, html.escape(text[end:])]))


def ago(moment: str) -> str:
    """Return how long ago a moment (ISO 8601) was, as a phone says it."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "now" if seconds < 5 else f"{int(seconds)} s ago"


def page(title: str, here: str, content: Safe, *, refresh_s: int = 0) -> str:
    """Return a whole page; refresh_s: it asks for itself again after so many seconds."""
    tabs = joined(
        markup('<a href="{path}"{here}>{name}</a>', path=path, name=name, here=Safe(' class="here"' * (path == here)))
        for path, name in TABS.items()
    )
    return markup(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">{refresh}'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        "<style>{style}</style></head><body><nav>{tabs}</nav><main><h1>{title}</h1>{content}</main></body></html>",
        refresh=markup('<meta http-equiv="refresh" content="{s}">', s=str(refresh_s)) if refresh_s else Safe(""),
        title=title,
        style=Safe(_STYLE),
        tabs=tabs,
        content=content,
    )


def _escaped(part: str) -> str:
    return part if isinstance(part, Safe) else html.escape(part)
