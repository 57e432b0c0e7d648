"""What a phone shows: words for each kind of News and for a post, cut so that they stay within Apple's limit."""

import json
import uuid
from collections.abc import Sequence
from typing import Any

import regex

from accounts.queries import Profile
from notifications.activity.models import Kind
from notifications.activity.queries import News
from photos.queries import PhotoBody

#: Bytes of a payload; characters as people count them of somebody's text: no phone shows more.
PAYLOAD_MAX, TEXT_MAX = 4_096, 240
_NAMESPACE = uuid.UUID("6f0b0c62-7b0f-4d39-8f3e-2b1a4f0f6a55")
_GRAPHEME = regex.compile(r"\X")

#: Kinds that ring once in PUSH_COALESCE_S, the later ones summed up: what they say of several people.
SUMMED_UP = {
    Kind.LIKE: "{who} liked your photo",
    Kind.FOLLOW: "{who} started following you",
    Kind.FOLLOW_REQUEST: "{who} want to follow you",
}
_WORDS = {
    Kind.LIKE: "{name} liked your photo",
    Kind.COMMENT: "{name} commented: ",
    Kind.MENTION: "{name} mentioned you: ",
    Kind.FOLLOW: "{name} started following you",
    Kind.FOLLOW_REQUEST: "{name} wants to follow you",
    Kind.REQUEST_ACCEPTED: "{name} accepted your follow request",
    Kind.POPULAR: "Your photo is on the Popular page",
    Kind.FRIEND_JOINED: "Your friend {name} is here now",
}


def subject_of(news: News) -> str:
    """Return what an entry shares its place on the phone with; it is the collapse id, too, 64 bytes at most."""
    entry = news.entry
    match entry.kind:
        case Kind.LIKE:
            return subject_of_likes(entry.photo_id)
        case Kind.FOLLOW | Kind.FOLLOW_REQUEST:
            return str(entry.kind)
    return f"{entry.kind}:{entry.id}"


def subject_of_likes(photo_id: int | None) -> str:
    """Return what all likes of a photo share."""
    return f"like:{photo_id}"


def of_news(news: Sequence[News], *, badge: int) -> dict[str, Any]:
    """Return the payload for entries of one subject, newest first; of several, the newest is named."""
    entry, actor = news[0].entry, news[0].actor
    people = len({each.entry.actor_id for each in news})
    if people > 1 and entry.kind in SUMMED_UP:
        others = "1 other" if people == 2 else f"{people - 1} others"
        alert, text = SUMMED_UP[Kind(entry.kind)].format(who=f"{actor.username} and {others}"), ""
    else:
        alert, text = _WORDS[Kind(entry.kind)].format(name=actor.username), _text_of(news[0])
    facts = {"type": entry.kind}
    if news[0].photo is not None:
        facts["media_id"] = _media_id(news[0].photo)
    if entry.comment_id is not None:
        facts["comment_id"] = str(entry.comment_id)
    if news[0].photo is None:
        facts["user_id"] = str(entry.actor_id)
    return _payload(alert, text, facts, badge=badge)


def of_post(photo: PhotoBody, author: Profile) -> dict[str, Any]:
    """Return the payload for a post. Without a badge: News has no entry of it, and the number on the app stays."""
    alert = f"{author.username} posted a photo" + (": " if photo.caption.strip() else "")
    return _payload(alert, photo.caption, {"type": "post", "media_id": _media_id(photo)}, badge=None)


def apns_id(*facts: object) -> str:
    """Return the same UUID for the same push to the same device: a repeat can be told from another push."""
    return str(uuid.uuid5(_NAMESPACE, ":".join(map(str, facts))))


def size_of(payload: dict[str, Any]) -> int:
    """Return the bytes of a payload as it is sent."""
    return len(json.dumps(payload, ensure_ascii=False).encode())


def _payload(alert: str, text: str, facts: dict[str, str], *, badge: int | None) -> dict[str, Any]:
    aps: dict[str, Any] = {"alert": alert}
    if badge is not None:
        aps["badge"] = badge
    payload = {"aps": aps | {"sound": "default"}, "ig": facts}
    cut = _cut(" ".join(text.split()), room=PAYLOAD_MAX - size_of(payload))
    payload["aps"]["alert"] = alert + cut if cut else alert.removesuffix(": ")
    return payload


def _cut(text: str, *, room: int) -> str:
    """Return as much of a text as fits into so many bytes of JSON, whole characters as people see them."""
    kept: list[str] = []
    used, end = 0, _bytes("…")
    for grapheme in _GRAPHEME.findall(text):
        size = _bytes(grapheme)
        if len(kept) == TEXT_MAX or used + size > room:
            while kept and used + end > room:
                used -= _bytes(kept.pop())
            return "".join([*kept, "…"]) if kept else ""
        kept.append(grapheme)
        used += size
    return "".join(kept)


def _bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2  # without the quotes


def _text_of(news: News) -> str:
    if news.comment is not None:
        return news.comment.text
    return news.photo.caption if news.entry.kind == Kind.MENTION and news.photo is not None else ""


def _media_id(photo: PhotoBody) -> str:
    return f"{photo.id}_{photo.author_id}"
