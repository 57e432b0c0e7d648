"""A question before a shard is written to, asked of whoever knows: this room itself never refuses.

Who knows (the switches) lies above and sets `guard` when Django starts.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .servers import Server

#: (server, logical shard or None for all of the server, whether it is surely a write); raises ShardReadOnly.
guard: "Callable[[Server, int | None, bool], None] | None" = None


def check(server: "Server", number: int | None = None, *, is_write: bool = True) -> None:
    """Raise ShardReadOnly if that may not be used so now. Cost: look-ups in the process's memory."""
    if guard is not None:
        guard(server, number, is_write)
