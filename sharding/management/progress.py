"""How far a command is: a bar on a terminal, elsewhere a line every few seconds."""

import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

T = TypeVar("T")

#: Seconds between two lines where there is no terminal.
_PLAIN_PERIOD_S = 2.0


def tracked(stdout: Any, things: Iterable[T], what: str, *, total: int | None = None) -> Iterator[T]:
    """Yield the things while showing how many are done.

    stdout: the command's. total: how many there are, for things that do not know it.
    """
    if total is None and isinstance(things, Collection):
        total = len(things)
    console = Console(file=getattr(stdout, "_out", None))
    if console.is_terminal:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=console, transient=True) as progress:
            yield from progress.track(things, description=what, total=total)
        return
    said = time.monotonic()
    for number, thing in enumerate(things):
        yield thing
        if time.monotonic() - said >= _PLAIN_PERIOD_S:
            said = time.monotonic()
            stdout.write(f"{number + 1} of {total} {what}")
