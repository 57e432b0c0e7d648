"""What the local data centre's stand-ins for the outside world were sent: pushes, mails, shares, alerts.

Each kind is one file of JSON lines below STATE_DIR/captures, oldest first, begun anew when it grows beyond KEEP_BYTES.
Writers are processes of the data centre; readers are its page and tests.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from stack import paths

Kind = Literal["push", "mail", "share", "alert"]
KEEP_BYTES = 5_000_000


def append(kind: Kind, record: dict[str, Any]) -> None:
    """Keep a record, with the time it came."""
    append_all(kind, [record])


def append_all(kind: Kind, records: Iterable[dict[str, Any]]) -> None:
    """Keep records, with the time they came, in one go."""
    stamp = {"at": datetime.now(UTC).isoformat(timespec="milliseconds")}
    lines = "".join(json.dumps(stamp | record, ensure_ascii=False) + "\n" for record in records)
    path = _path(kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch()
        # Root's commands and the servers' account write the same files.
        with contextlib.suppress(PermissionError):
            path.chmod(0o666)
    with path.open("ab+", buffering=0) as file:
        # Several processes write: whole lines only.
        fcntl.flock(file, fcntl.LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        if size > KEEP_BYTES:
            file.truncate(0)
        elif size:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # somebody was killed while writing
                lines = "\n" + lines
        file.write(lines.encode(errors="replace"))


def latest(kind: Kind, *, most: int | None = 100) -> list[dict[str, Any]]:
    """Return the newest records (most None: all), newest first; each holds "at" beside what was appended."""
    try:
        # Not splitlines(): texts of people hold other line separators. The last piece is empty, or not whole yet.
        lines = _path(kind).read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    except FileNotFoundError:
        return []
    records = []
    for line in reversed(lines[-most:] if most else lines):
        with contextlib.suppress(ValueError):  # of somebody who was killed while writing
            records.append(json.loads(line))
    return records


def _path(kind: Kind) -> Path:
    return paths.state() / "captures" / f"{kind}.jsonl"
