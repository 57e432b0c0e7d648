"""What the local data centre's stand-ins for the outside world were sent: pushes, mails, shares.

Each kind is one file of JSON lines below STATE_DIR/captures, oldest first, begun anew when it grows beyond KEEP_BYTES.
Writers are processes of the data centre; readers are its page and tests.
"""

import fcntl
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from stack import paths

Kind = Literal["push", "mail", "share"]
KEEP_BYTES = 5_000_000


def append(kind: Kind, record: dict[str, Any]) -> None:
    """Keep a record, with the time it came."""
    line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds")} | record, ensure_ascii=False)
    path = _path(kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        # Several processes write: whole lines only.
        fcntl.flock(file, fcntl.LOCK_EX)
        if file.tell() > KEEP_BYTES:
            file.truncate(0)
        file.write(line + "\n")


def latest(kind: Kind, *, most: int = 100) -> list[dict[str, Any]]:
    """Return the newest records, newest first; each holds "at" beside what was appended."""
    try:
        lines = _path(kind).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in reversed(lines[-most:])]


def _path(kind: Kind) -> Path:
    return paths.state() / "captures" / f"{kind}.jsonl"
