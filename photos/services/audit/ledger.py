"""The ledger of an audit: which objects should be there, how far the walk is, what was found. One SQLite file.

Each page of the walk is one transaction, its cursor included: a kill costs a page. Some 150 bytes an object.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_TABLES = """
CREATE TABLE IF NOT EXISTS audit (began_at REAL NOT NULL, store TEXT NOT NULL, deep INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS expected (
  key TEXT PRIMARY KEY, kind TEXT NOT NULL, ref INTEGER NOT NULL, bytes INTEGER, md5 TEXT, sha256 TEXT,
  seen INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS part (name TEXT PRIMARY KEY, past TEXT NOT NULL, finished INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS finding (
  key TEXT PRIMARY KEY, what TEXT NOT NULL, kind TEXT NOT NULL, ref INTEGER NOT NULL, note TEXT NOT NULL,
  mended INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS tally (name TEXT PRIMARY KEY, number INTEGER NOT NULL);
"""

#: Kinds of objects. WAITING may be there or not: uploads without a photo yet, moves and deletions under way.
PHOTO, ORIGINAL, PICTURE, ARCHIVE, WAITING = "photo", "original", "picture", "archive", "waiting"


class LedgerInUseError(Exception):
    """Another audit is at work on this ledger."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An object that should be there; ref: the photo's, user's or archive's id; None: nothing was written down."""

    key: str
    kind: str
    ref: int
    bytes: int | None = None
    md5: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with an object: missing, altered or orphaned."""

    key: str
    what: str
    kind: str
    ref: int
    note: str = ""


class Ledger:
    """An audit under way."""

    def __init__(self, path: Path, *, store: str, deep: bool) -> None:
        """Open the ledger of an unfinished audit of the same store, or begin one. Raises LedgerInUseError."""
        self._path = path
        self._db = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            self._db.executescript("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = NORMAL; BEGIN EXCLUSIVE;")
            for statement in _TABLES.split(";"):
                self._db.execute(statement)
            begun = self._db.execute("SELECT began_at, store, deep FROM audit").fetchone()
            self.resumed = begun is not None and begun[1:] == (store, deep)
            if not self.resumed:
                for table in ("audit", "expected", "part", "finding", "tally"):
                    self._db.execute(f"DELETE FROM {table}")  # our own names
                self._db.execute("INSERT INTO audit VALUES (?, ?, ?)", [time.time(), store, deep])
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._db.close()
            raise LedgerInUseError(f"{path}: {error}") from error
        self.began_at: float = self._db.execute("SELECT began_at FROM audit").fetchone()[0]

    def __enter__(self) -> Self:
        """Use it in a with block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it; what was done stays."""
        self._db.close()

    def remove(self) -> None:
        """Forget the audit: the next one begins anew."""
        self._db.close()
        self._path.unlink(missing_ok=True)

    @contextmanager
    def page(self, part: str, past: str, *, finished: bool = False) -> Iterator[None]:
        """Write what the block writes and that the walk of `part` is past `past`, together."""
        self._db.execute("BEGIN")
        try:
            yield
            self._db.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?)", [part, past, finished])
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def past(self, part: str) -> str | None:
        """Return where the walk of a part is ("": at its beginning), None when it is over."""
        row = self._db.execute("SELECT past, finished FROM part WHERE name = ?", [part]).fetchone()
        if row is None:
            return ""
        return None if row[1] else str(row[0])

    def expect(self, objects: Iterable[Expected]) -> None:
        """Write down what should be there; what merely waits does not replace what is named by a row."""
        self._db.executemany(
            "INSERT INTO expected (key, kind, ref, bytes, md5, sha256) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, ref = excluded.ref, bytes = excluded.bytes,"
            " md5 = excluded.md5, sha256 = excluded.sha256 WHERE excluded.kind <> 'waiting'",
            [(each.key, each.kind, each.ref, each.bytes, each.md5, each.sha256) for each in objects],
        )

    def see(self, keys: list[str]) -> dict[str, Expected]:
        """Note that these objects are there; return those that should be."""
        marks = ",".join("?" * len(keys))
        self._db.execute(f"UPDATE expected SET seen = 1 WHERE key IN ({marks})", keys)  # question marks alone
        rows = self._db.execute(
            f"SELECT key, kind, ref, bytes, md5, sha256 FROM expected WHERE key IN ({marks})",
            keys,
        )
        return {row[0]: Expected(*row) for row in rows}

    def unseen(self, *, past: str, most: int) -> list[Expected]:
        """Return objects that should be there and were not seen, by key."""
        rows = self._db.execute(
            "SELECT key, kind, ref, bytes, md5, sha256 FROM expected WHERE NOT seen AND kind <> 'waiting' AND key > ?"
            " ORDER BY key LIMIT ?",
            [past, most],
        )
        return [Expected(*row) for row in rows]

    def note(self, findings: Iterable[Finding]) -> None:
        """Write findings down."""
        self._db.executemany(
            "INSERT OR REPLACE INTO finding (key, what, kind, ref, note) VALUES (?, ?, ?, ?, ?)",
            [(each.key, each.what, each.kind, each.ref, each.note) for each in findings],
        )

    def count(self, name: str, number: int) -> None:
        """Add to a number of the report."""
        self._db.execute(
            "INSERT INTO tally VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET number = number + excluded.number",
            [name, number],
        )

    def tally(self) -> dict[str, int]:
        """Return the numbers of the report."""
        return dict(self._db.execute("SELECT name, number FROM tally ORDER BY name"))

    def findings(self) -> list[Finding]:
        """Return what was found and is not mended, by kind and key."""
        rows = self._db.execute("SELECT key, what, kind, ref, note FROM finding WHERE NOT mended ORDER BY what, key")
        return [Finding(*row) for row in rows]

    def mended(self, keys: Iterable[str]) -> None:
        """Note that findings are mended."""
        self._db.executemany("UPDATE finding SET mended = 1 WHERE key = ?", [(key,) for key in keys])
