"""Alerts that other programs report (Munin, a script), each a file until the watch takes it up."""

import contextlib
import json
import logging
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from .alarms import LEVELS
from .files import write_down

log = logging.getLogger(__name__)

#: Files kept at most: beyond, somebody reports in a loop.
MOST_FILES = 1_000


class SpoolFull(Exception):
    """Nobody takes alerts up."""


@dataclass(frozen=True)
class Report:
    """What another program says: the level of an alarm from now on. act: what to do."""

    key: str
    level: str
    summary: str
    act: str = ""


def put(folder: Path, report: Report) -> None:
    """Keep a report for the watch, whole or not at all. Raises ValueError, SpoolFull, OSError."""
    if report.level not in LEVELS:
        raise ValueError(f"a level is one of {', '.join(LEVELS)}, not {report.level}")
    if not 0 < len(report.key) <= 200 or not report.key.isprintable():
        raise ValueError("a key has 1 to 200 printable characters")
    folder.mkdir(parents=True, exist_ok=True)
    if sum(1 for _ in folder.iterdir()) >= MOST_FILES:
        raise SpoolFull(f"{folder} holds {MOST_FILES} reports: does manage.py watch run?")
    write_down(folder / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.json", asdict(report))


def take(folder: Path) -> Iterator[tuple[Path, Report]]:
    """Yield what waits, oldest first; whoever has taken one up deletes its file. What cannot be read is deleted."""
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("[0-9]*.json")):
        try:
            yield path, Report(**json.loads(path.read_text()))
        except (ValueError, TypeError):
            log.exception("%s is no report", path)
            with contextlib.suppress(OSError):
                path.unlink()
