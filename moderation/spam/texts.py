"""What the rules know of a text: numbers, never the words."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from photos.hashtags import hashtags_in
from sharding import Server, shard_of
from sharding.ids import created_time_of, first_id_at

_LINK = re.compile(
    r"(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|net|org|info|ru|cn|biz|shop|xyz|top|ly|me)\b", re.IGNORECASE
)
_NAME = re.compile(r"@\w[\w.]*")
#: What smallint holds, and no rule asks beyond.
_MOST = 32_767


@dataclass(frozen=True, slots=True)
class Said:
    """A caption or comment: whose, where and when, and what counts in it. object_id: of the photo, or the comment."""

    author_id: int
    object_id: int
    photo_id: int
    text_hash: int
    characters: int
    links: int
    hashtags: int
    account_hours: int

    @property
    def said_at(self) -> float:
        """Return when, in epoch seconds."""
        return created_time_of(self.object_id)

    @property
    def is_caption(self) -> bool:
        """Return whether it is the caption of its photo."""
        return self.object_id == self.photo_id


_COLUMNS = ", ".join(field.name for field in fields(Said))


def measured(text: str, *, author_id: int, object_id: int, photo_id: int, account_hours: int) -> Said:
    """Return what the rules know of a text."""
    core = bare(text)
    return Said(
        author_id=author_id,
        object_id=object_id,
        photo_id=photo_id,
        text_hash=int.from_bytes(hashlib.blake2b(core.encode(), digest_size=8).digest(), "big", signed=True),
        characters=min(len(core), _MOST),
        links=min(len(_LINK.findall(text)), _MOST),
        hashtags=min(len(set(hashtags_in(text))), _MOST),
        account_hours=account_hours,
    )


def bare(text: str) -> str:
    """Return a text without case, accents, marks, digits, spaces and whom it names."""
    plain = unicodedata.normalize("NFKD", _NAME.sub("", text)).casefold()
    return "".join(letter for letter in plain if unicodedata.category(letter)[0] == "L")


def keep(said: Said) -> None:
    """Write down a text on its author's server. Safe to repeat. Cost: one statement. Raises ShardUnavailable."""
    shard = shard_of(said.author_id)
    with shard.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO local.said ({_COLUMNS}, logical_shard) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [*astuple(said), shard.number],
        )


def recent(author_id: int, *, up_to: int, since: float, most: int = 500) -> list[Said]:
    """Return what somebody wrote up to an object, newest first, that one included. since: epoch seconds.

    Cost: one query by key on their server. Raises ShardUnavailable.
    """
    with shard_of(author_id).cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM local.said WHERE author_id = %s AND object_id <= %s AND object_id >= %s"
            " ORDER BY object_id DESC LIMIT %s",
            [author_id, up_to, first_id_at(max(0.0, since)), most],
        )
        return [Said(*row) for row in cursor.fetchall()]


def everything(server: Server, *, since: float, most: int) -> Sequence[Said]:
    """Return the newest texts of a server's people, in the order of their authors, then of time.

    Cost: one scan of what was written lately. Raises ShardUnavailable.
    """
    with server.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM (SELECT {_COLUMNS} FROM local.said WHERE object_id >= %s"
            " ORDER BY object_id DESC LIMIT %s) AS newest ORDER BY author_id, object_id",
            [first_id_at(max(0.0, since)), most],
        )
        return [Said(*row) for row in cursor.fetchall()]


def forget_before(server: Server, moment: float, *, batch: int = 5_000) -> int:
    """Delete a batch of what was written before; return how many. Safe to repeat. Raises ShardUnavailable."""
    with server.cursor() as cursor:
        cursor.execute(
            "DELETE FROM local.said WHERE ctid = ANY"
            " (ARRAY(SELECT ctid FROM local.said WHERE object_id < %s LIMIT %s))",
            [first_id_at(max(0.0, moment)), batch],
        )
        return int(cursor.rowcount)


def forget_under(photo_id: int, author_id: int) -> None:
    """Delete what is known of a person's texts under a photo. Safe to repeat. Raises ShardUnavailable."""
    with shard_of(author_id).cursor() as cursor:
        cursor.execute("DELETE FROM local.said WHERE author_id = %s AND photo_id = %s", [author_id, photo_id])


def forget_author(author_id: int) -> int:
    """Delete what is known of a person's texts; return how many. Safe to repeat. Raises ShardUnavailable."""
    with shard_of(author_id).cursor() as cursor:
        cursor.execute("DELETE FROM local.said WHERE author_id = %s", [author_id])
        return int(cursor.rowcount)
