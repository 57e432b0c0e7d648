"""Logical shard -> server: data in `main` (model Placement), cached in each process.

The cache is dropped when a query meets a shard that is no longer where it was (ShardMoved); the next
shard_of() reads it anew, and retry_if_moved() runs the verb once more.
"""

import functools
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.core.exceptions import ImproperlyConfigured

from .errors import ShardMoved

P = ParamSpec("P")
R = TypeVar("R")

_lock = threading.Lock()
_servers: list[str] | None = None


def server_names() -> list[str]:
    """Return the server name of each logical shard, by number. One query on main, once per process and move."""
    servers = _servers
    return servers if servers is not None else _load()


def forget() -> None:
    """Drop the cached placement."""
    global _servers  # noqa: PLW0603  # the process's one cache
    _servers = None


def _load() -> list[str]:
    global _servers  # noqa: PLW0603  # the process's one cache
    # Imported here: the database backend imports this module before Django's models are ready.
    from .models import Placement  # noqa: PLC0415  # see above

    with _lock:
        if _servers is not None:
            return _servers
        servers = list(Placement.objects.order_by("logical_shard").values_list("server", flat=True))
        if not servers:
            raise ImproperlyConfigured("no logical shards are placed yet: run manage.py shards create")
        _servers = servers
        return servers


def retry_if_moved(verb: Callable[P, R]) -> Callable[P, R]:
    """Run the verb once more, with the placement read anew, if it met a shard that moved meanwhile."""

    @functools.wraps(verb)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return verb(*args, **kwargs)
        except ShardMoved:
            return verb(*args, **kwargs)

    return again
