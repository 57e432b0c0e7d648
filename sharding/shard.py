"""A logical shard: one schema on one server, and the only way to its tables."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.db import models
from psycopg2 import sql

from . import placement, writing
from .binding import bound_class
from .servers import Server

M = TypeVar("M", bound=models.Model)

_SEQUENCE_BITS, _SHARD_MASK = 10, (1 << 13) - 1


@dataclass(frozen=True, slots=True)
class Shard:
    """One logical shard as placed now. Cheap to make; do not keep one across requests, for shards move."""

    number: int
    server: Server

    @property
    def schema(self) -> str:
        """Return the schema's name: "s0005"."""
        return f"s{self.number:04d}"

    @property
    def alias(self) -> str:
        """Return Django's name of the server's database."""
        return self.server.alias

    def model(self, model: type[M]) -> type[M]:
        """Return the model's class bound to this shard; its queries can reach no other.

        Cost: made once per process, model and shard (0.5 ms, 20 kB), then a look-up.
        """
        writing.check(self.server, self.number, is_write=False)
        return bound_class(model, self)

    def table(self, name: str) -> sql.Identifier:
        """Return the schema-qualified name of a table, for psycopg2.sql."""
        return sql.Identifier(self.schema, name)

    def cursor(self) -> AbstractContextManager[Any]:
        """Open a cursor on the shard's server; name tables with table()."""
        writing.check(self.server, self.number, is_write=False)
        return self.server.cursor()

    def atomic(self) -> AbstractContextManager[None]:
        """Open a transaction on the shard's server. Raises ShardReadOnly while the shard must not be written to."""
        writing.check(self.server, self.number)
        return self.server.atomic()

    def on_commit(self, function: Callable[[], object]) -> None:
        """Call the function after the shard's server has committed."""
        self.server.on_commit(function)


def shard_numbered(number: int) -> Shard:
    """Return a logical shard by number. Raises ValueError outside 0..LOGICAL_SHARDS-1."""
    servers = placement.server_names()
    if not 0 <= number < len(servers):
        raise ValueError(f"no logical shard {number}: this installation has 0 to {len(servers) - 1}")
    return Shard(number, Server(servers[number]))


def shard_of(user_id: int) -> Shard:
    """Return the logical shard that holds what the user owns."""
    return shard_numbered(user_id % settings.LOGICAL_SHARDS)


def shard_of_object(object_id: int) -> Shard:
    """Return the logical shard that made the id. Raises ValueError for an id that none here made."""
    return shard_numbered((object_id >> _SEQUENCE_BITS) & _SHARD_MASK)


def shards_on(server: Server) -> Iterator[Shard]:
    """Yield the logical shards placed on a server, by number."""
    for number, name in enumerate(placement.server_names()):
        if name == server.name:
            yield Shard(number, server)


def by_server(user_ids: Iterable[int]) -> dict[Server, list[int]]:
    """Group user ids by the server that holds them, as placed now."""
    # Not shard_of() for each: a fan-out groups 10,000 at a time.
    names = placement.server_names()
    servers = {name: Server(name) for name in set(names)}
    groups: dict[Server, list[int]] = {}
    for user_id in user_ids:
        groups.setdefault(servers[names[user_id % len(names)]], []).append(user_id)
    return groups
