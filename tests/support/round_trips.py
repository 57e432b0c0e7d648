"""Counting what a page asks of PostgreSQL, Redis and memcached."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import redis.connection
from django.db import connections
from pymemcache.client.base import Client as MemcachedClient

from accounts import clients
from sharding import physical_servers
from switches import state


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count requests on the wire: "sql", "redis" (a pipeline is one), "memcached" (a multi-get), "memcached store"."""
    made: Counter[str] = Counter()

    def note_sql(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        made["sql"] += 1
        return execute(sql, params, many, context)

    with ExitStack() as stack:
        # An application's record is read again once a second by whichever request comes then: not a cost of its page.
        stack.enter_context(patch.object(clients, "KEEP_S", 3_600))
        # Switches are read by a thread of their own, whatever pages are asked for.
        stack.enter_context(patch.object(state, "look", lambda: None))
        for alias in {"default", *(server.alias for server in physical_servers())}:
            stack.enter_context(connections[alias].execute_wrapper(note_sql))
        for owner, name, kind in (
            (MemcachedClient, "_fetch_cmd", "memcached"),
            (MemcachedClient, "_store_cmd", "memcached store"),
            (MemcachedClient, "_misc_cmd", "memcached"),
            (redis.connection.AbstractConnection, "send_packed_command", "redis"),
        ):
            stack.enter_context(patch.object(owner, name, _noting(made, kind, getattr(owner, name))))
        yield made


def _noting(made: Counter[str], kind: str, original: Any) -> Any:
    def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        made[kind] += 1
        return original(self, *args, **kwargs)

    return noted
