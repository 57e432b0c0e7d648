"""Database servers: main and the physical shards, with the few things one does on a whole server."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connections, transaction

from . import writing


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server, by name ("main", "shard_a"); Django knows it by `alias`."""

    name: str

    @property
    def alias(self) -> str:
        """Return Django's name of the server's database."""
        return "default" if self.name == "main" else self.name

    @property
    def is_main(self) -> bool:
        """Return True for the server of the unsharded tables."""
        return self.name == "main"

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """Open a cursor; raises ShardUnavailable when the server is unwell."""
        with connections[self.alias].cursor() as cursor:
            yield cursor

    def atomic(self) -> AbstractContextManager[None]:
        """Open a transaction on this server. Never wait for another server's connection inside it.

        Raises ShardReadOnly while the server must not be written to.
        """
        writing.check(self)
        return transaction.atomic(using=self.alias)

    def on_commit(self, function: Callable[[], object]) -> None:
        """Call the function after this server's transaction has committed; at once if there is none."""
        transaction.on_commit(function, using=self.alias)


def server_named(name: str) -> Server:
    """Return the server of that name or alias."""
    return Server("main" if name == "default" else name)


def main_server() -> Server:
    """Return the server of users, clients, places, tags: what is not sharded."""
    return Server("main")


def physical_servers() -> list[Server]:
    """Return the servers that hold logical shards."""
    return [Server(name) for name in settings.SHARD_SERVERS]


def all_servers() -> list[Server]:
    """Return main and the physical shards."""
    return [main_server(), *physical_servers()]
