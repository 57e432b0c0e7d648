"""Which node of a replicated server is its primary now: one small file, TOPOLOGY_FILE, written by `promote`.

A server ("main", "shard_b", "redis_1") has one node, or two, one of which follows. Where the file says nothing,
the first node is the primary. Who must follow a promotion reads it anew: rendering of PgBouncer's databases, direct
connections, the role in which a node starts, and the photo map's client when a Redis fails.
"""

import fcntl
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

Facts = dict[str, Any]


@dataclass(frozen=True)
class Node:
    """One of the processes that hold a server's data. name: for life, whatever its role is."""

    name: str
    host: str
    port: int

    @property
    def address(self) -> str:
        """Return "host:port"."""
        return f"{self.host}:{self.port}"

    @property
    def slot(self) -> str:
        """Return its name as PostgreSQL takes it for a replication slot and an application."""
        return self.name.replace("-", "_")


def nodes(server: str) -> list[Node]:
    """Return a server's nodes, in an order that stays; in the lean data centre not all run.

    Raises KeyError for a server that is not there.
    """
    said = _read().get(server, {}).get("nodes")
    if said:
        return [Node(name, *_parts(address)) for name, address in said.items()]
    return _local_nodes()[server]


def primary(server: str) -> Node:
    """Return the node that takes writes."""
    there = nodes(server)
    chosen = facts(server).get("primary")
    return next((node for node in there if node.name == chosen), there[0])


def replica(server: str) -> Node | None:
    """Return the node that follows, None where there is none."""
    if settings.STACK_KIND != "full" and "nodes" not in facts(server):
        return None
    chosen = primary(server)
    return next((node for node in nodes(server) if node != chosen), None)


def primary_address(address: str) -> str:
    """Return where the primary is of the server whose first node is at `address`; `address` if there is no such."""
    for server in servers():
        if nodes(server)[0].address == address:
            return primary(server).address
    return address


def servers() -> list[str]:
    """Return the names of all servers that can have a replica."""
    return list(dict.fromkeys([*_local_nodes(), *_read()]))


def facts(server: str) -> Facts:
    """Return what the file says of a server: primary, and while it is changed, moving."""
    return dict(_read().get(server, {}))


def note(server: str, **changes: Any) -> None:
    """Write facts of a server into the file, whole or not at all; None takes one out."""
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        content = _read()
        entry = content.setdefault(server, {}) | changes
        content[server] = {name: value for name, value in entry.items() if value is not None}
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(content, indent=1) + "\n")
        draft.chmod(0o644)  # our own code may run as another account than who promotes
        draft.replace(file)


def path() -> Path:
    """Return where the file is."""
    return Path(settings.TOPOLOGY_FILE)


def _read() -> dict[str, Facts]:
    try:
        content: dict[str, Facts] = json.loads(path().read_text())
    except FileNotFoundError:
        return {}
    return content


def _local_nodes() -> dict[str, list[Node]]:
    """Return the nodes of the data centre on this machine."""
    second = settings.POSTGRES_REPLICA_PORTS
    found = {
        name: [
            Node(f"postgres_{name}", settings.DB_HOST, port),
            Node(f"postgres_{name}_replica", settings.DB_HOST, second[name]),
        ]
        for name, port in settings.POSTGRES_PORTS.items()
    }
    ports = zip(settings.REDIS_PORTS, settings.REDIS_REPLICA_PORTS, strict=True)
    return found | {
        f"redis_{number}": [
            Node(f"redis_{number}", "127.0.0.1", first),
            Node(f"redis_{number}_replica", "127.0.0.1", other),
        ]
        for number, (first, other) in enumerate(ports, 1)
    }


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)
