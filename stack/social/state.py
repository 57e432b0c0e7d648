"""What the stand-in keeps: tokens, uploaded pictures, posts. In a file, so that a killed one knows what it took."""

import json
import secrets
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

_TABLES = """
CREATE TABLE IF NOT EXISTS token (
  service TEXT, token TEXT, secret TEXT, kind TEXT, account TEXT DEFAULT '', callback TEXT DEFAULT '',
  verifier TEXT DEFAULT '', revoked INTEGER DEFAULT 0, PRIMARY KEY (service, token)
);
CREATE TABLE IF NOT EXISTS post (id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT, account TEXT, record TEXT);
CREATE TABLE IF NOT EXISTS media (id INTEGER PRIMARY KEY AUTOINCREMENT, size INTEGER, alt TEXT DEFAULT '');
"""


_TOKEN = ("service", "token", "secret", "kind", "account", "callback", "verifier", "revoked")


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a service. kind: request (OAuth 1, not exchanged yet), code (OAuth 2, likewise), access."""

    service: str
    token: str
    secret: str
    kind: str
    account: str
    callback: str
    verifier: str = ""
    revoked: bool = False


class State:
    """The stand-in's memory; used from several threads."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        with closing(self._connection()) as connection:
            connection.executescript(_TABLES)
        account, token, secret = settings.SOCIAL_DEMO_LOGIN
        for service in settings.SERVICE_KEYS:
            self._do(
                "INSERT OR IGNORE INTO token (service, token, secret, kind, account) VALUES (?, ?, ?, 'access', ?)",
                [service, token, secret, account],
            )

    def token(self, service: str, token: str) -> Token | None:
        """Return a token, revoked or not."""
        rows = self._ask(f"SELECT {', '.join(_TOKEN)} FROM token WHERE service = ? AND token = ?", [service, token])
        if not rows:
            return None
        return Token(**dict(zip(_TOKEN, rows[0], strict=True)))

    def new_token(self, service: str, kind: str, *, account: str = "", callback: str = "") -> Token:
        """Make a token with a secret."""
        # The beginning of an access token is the person's number at Twitter.
        token = f"{secrets.randbelow(10**9)}-{secrets.token_hex(16)}"
        made = Token(service, token, secrets.token_hex(16), kind, account, callback)
        values = [getattr(made, name) for name in _TOKEN]
        self._do(f"INSERT INTO token ({', '.join(_TOKEN)}) VALUES ({', '.join('?' * len(_TOKEN))})", values)
        return made

    def allow(self, token: Token, account: str) -> str:
        """A person said yes to a request token; return the verifier."""
        verifier = secrets.token_hex(8)
        self._do(
            "UPDATE token SET account = ?, verifier = ? WHERE service = ? AND token = ?",
            [account, verifier, token.service, token.token],
        )
        return verifier

    def spend(self, token: Token) -> None:
        """Delete a token that works once."""
        self._do("DELETE FROM token WHERE service = ? AND token = ?", [token.service, token.token])

    def revoke(self, service: str, account: str) -> None:
        """The person of an account withdraws the permission."""
        self._do("UPDATE token SET revoked = 1 WHERE service = ? AND account = ?", [service, account])

    def keep_media(self, size: int) -> int:
        """Keep that a picture was uploaded; return its id."""
        return self._do("INSERT INTO media (size) VALUES (?)", [size])

    def describe_media(self, media_id: int, alt: str) -> bool:
        """Give an uploaded picture its alternative text; False if there is no such picture."""
        self._do("UPDATE media SET alt = ? WHERE id = ?", [alt, media_id])
        return self.media(media_id) is not None

    def media(self, media_id: int) -> dict[str, Any] | None:
        """Return an uploaded picture: bytes and alternative text."""
        rows = self._ask("SELECT size, alt FROM media WHERE id = ?", [media_id])
        return {"image_bytes": rows[0][0], "alt": rows[0][1]} if rows else None

    def add_post(self, service: str, account: str, record: dict[str, Any]) -> int:
        """Keep a post; return its id."""
        return self._do(
            "INSERT INTO post (service, account, record) VALUES (?, ?, ?)", [service, account, json.dumps(record)]
        )

    def change_post(self, post_id: int, **changes: Any) -> None:
        """Change a post's record."""
        (record,) = [post for post in self.posts() if post["id"] == post_id]
        kept = {name: value for name, value in record.items() if name not in ("id", "service", "account")}
        self._do("UPDATE post SET record = ? WHERE id = ?", [json.dumps(kept | changes), post_id])

    def posts(self, service: str = "", account: str = "") -> list[dict[str, Any]]:
        """Return posts, newest first; without a service those of all."""
        rows = self._ask(
            "SELECT id, service, account, record FROM post WHERE ? IN ('', service) AND ? IN ('', account)"
            " ORDER BY id DESC",
            [service, account],
        )
        return [{"id": row[0], "service": row[1], "account": row[2]} | json.loads(row[3]) for row in rows]

    def _connection(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, isolation_level=None)

    def _do(self, statement: str, values: list[Any]) -> int:
        with self._lock, closing(self._connection()) as connection:
            return connection.execute(statement, values).lastrowid or 0

    def _ask(self, query: str, values: list[Any]) -> list[tuple]:
        with self._lock, closing(self._connection()) as connection:
            return connection.execute(query, values).fetchall()
