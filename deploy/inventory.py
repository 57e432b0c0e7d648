"""The inventory: which hosts there are, what each is for, how to reach it. One TOML file, `$INVENTORY`.

deploy/inventory.example.toml explains every line.
"""

import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

ROLES = ("app", "worker", "db", "cache", "lb")
#: What a host of a role keeps running, by the names of deploy/host/run.
UNITS = {
    "app": ("web",),
    "worker": ("worker-fast", "worker-feed", "worker-feed_large", "worker-network", "relay"),
}
#: Roles whose hosts get releases: on database hosts backups run from one, and nothing of it stays running.
RELEASED = ("app", "worker", "db")
#: What one host of the whole site runs besides, where the inventory says so (`also`).
ALSO = ("watch", "canary", "guard")
DEFAULT = Path(__file__).with_name("inventory.toml")


class InventoryError(Exception):
    """The inventory cannot be used; the sentence says which line and why."""


@dataclass(frozen=True)
class Host:
    """One machine. base: below it lie releases/, current, previous, shared/env, log/, run/."""

    name: str
    address: str
    roles: tuple[str, ...]
    base: str = "/srv/instagram"
    user: str = "deploy"
    port: int = 22
    #: Where its Gunicorn answers health questions, asked on the host itself.
    health: str = "http://127.0.0.1:8000/health/ready"
    #: Who starts its units again: "systemd", or "processes" (pid files; rehearsals, containers without an init).
    services: Literal["systemd", "processes"] = "systemd"
    #: Port of an app host on which the load balancers reach it, and of a load balancer on which the world does.
    serves: int = 8000
    #: Of a load balancer: HAProxy's admin socket, and the backend whose servers are the app hosts, by name.
    socket: str = "/run/haproxy/admin.sock"
    #: Of a load balancer: the folder of haproxy.cfg, maintenance.html and maintenance.map.
    conf: str = "/etc/haproxy"
    #: Of a load balancer: file with certificate and key, there before `fab provision`; empty: it speaks plain HTTP.
    tls: str = ""
    backend: str = "web"

    #: Units that one host runs for the whole site: "watch" raises alerts, "canary" posts a photo a minute,
    #: "guard" lets commits wait for replicas that follow (`manage.py replicas guard`).
    also: tuple[str, ...] = ()

    @property
    def units(self) -> tuple[str, ...]:
        """What this host runs of a release."""
        return tuple(unit for role in self.roles for unit in UNITS.get(role, ())) + self.also

    @property
    def has_release(self) -> bool:
        """Return whether releases go to this host."""
        return bool(set(self.roles) & set(RELEASED))


@dataclass(frozen=True)
class Rollout:
    """How a release goes out."""

    #: App hosts out of the load balancer at once.
    batch: int = 5
    #: Seconds that a host may take until its new processes are well.
    healthy_s: float = 20.0
    #: Seconds of answers that say it is not well, after which it is not waited for any longer.
    unwell_s: float = 5.0
    #: Seconds at least that a unit must stay up which answers no questions: workers, the relay (deploy/host/steady).
    steady_s: float = 3.0
    #: Seconds that requests in flight get after the load balancer sends no new ones.
    drain_s: float = 10.0
    #: Seconds that the canary host takes real requests before the others follow.
    canary_s: float = 5.0
    #: Share of server errors among the canary's answers above which it is called bad.
    canary_errors: float = 0.01
    #: Whether a canary photo travels through the canary host before the others follow (docs/status.md).
    canary_photo: bool = True
    #: Minutes after which alerts speak again when a deploy is killed; 0: they are not muted.
    mute_min: int = 15
    #: Releases kept on each host, current and previous among them.
    keep: int = 5
    #: Megabytes that must be free on a host.
    free_mb: int = 1_000
    #: Seconds until a host that does not answer SSH is given up.
    connect_s: float = 5.0


@dataclass(frozen=True)
class Inventory:
    """All hosts by name, in the file's order."""

    site: str
    hosts: dict[str, Host]
    rollout: Rollout = field(default_factory=Rollout)
    #: Each PostgreSQL server's nodes, host -> port; the first is the primary of a new site.
    servers: dict[str, dict[str, int]] = field(default_factory=dict)
    #: Servers whose commits wait for their replica.
    synchronous: frozenset[str] = frozenset()
    ssh_key: str = ""
    path: Path = DEFAULT

    def with_role(self, *roles: str) -> list[Host]:
        """Return the hosts that have one of the roles."""
        return [host for host in self.hosts.values() if set(roles) & set(host.roles)]

    def chosen(self, names: str) -> list[Host]:
        """Return hosts by name or role, separated by commas; raises InventoryError for one that is neither."""
        found: dict[str, Host] = {}
        for name in filter(None, (part.strip() for part in names.split(","))):
            if name in ROLES:
                found |= {host.name: host for host in self.with_role(name)}
            elif name in self.hosts:
                found[name] = self.hosts[name]
            else:
                raise InventoryError(f"{self.path}: there is no host and no role {name!r}; hosts: {_words(self.hosts)}")
        return list(found.values())


def load(path: str | None = None) -> Inventory:
    """Read the inventory. path: else $INVENTORY, else deploy/inventory.toml. Raises InventoryError."""
    file = Path(path or os.environ.get("INVENTORY") or DEFAULT)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InventoryError(
            f"There is no inventory {file}: copy deploy/inventory.example.toml, or set INVENTORY."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InventoryError(f"{file} cannot be read: {error}") from error
    site = content.get("site", {})
    shared = {key: value for key, value in site.items() if key not in {"name", "ssh_key"}}
    hosts = {}
    for name, facts in content.get("hosts", {}).items():
        hosts[name] = _host(file, name, shared | facts)
    if not hosts:
        raise InventoryError(f"{file}: there is no host; each is a table [hosts.NAME]")
    rollout = _checked(file, "rollout", Rollout, content.get("rollout", {}))
    servers = {name: _nodes(file, name, facts, hosts) for name, facts in content.get("servers", {}).items()}
    _check_alone(file, servers)
    synchronous = frozenset(name for name, facts in content.get("servers", {}).items() if facts.get("synchronous"))
    if synchronous and not any("guard" in host.also for host in hosts.values()):
        raise InventoryError(f'{file}: [servers.{min(synchronous)}] is synchronous: one host needs also = ["guard"]')
    return Inventory(site.get("name", "instagram"), hosts, rollout, servers, synchronous, site.get("ssh_key", ""), file)


def _nodes(file: Path, name: str, facts: Any, hosts: dict[str, Host]) -> dict[str, int]:
    """Return the nodes of a server; what else its table says is for `fab promote`."""
    if name.startswith("redis_"):
        raise InventoryError(f"{file}: [servers.{name}] a Redis has no replica on hosts (docs/failover.md)")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,15}", name) or name.endswith("_replica"):
        raise InventoryError(f"{file}: [servers.{name}] a server is called by 16 of a-z, 0-9, _, and not …_replica")
    nodes = facts.get("nodes") if isinstance(facts, dict) else None
    if not isinstance(nodes, dict) or not nodes or not all(type(port) is int for port in nodes.values()):
        raise InventoryError(f"{file}: [servers.{name}] needs nodes = {{HOST = PORT, ...}}")
    if unknown := [node for node in nodes if node not in hosts]:
        raise InventoryError(f"{file}: [servers.{name}] there is no host {unknown[0]!r}")
    return dict(nodes)


def _check_alone(file: Path, servers: dict[str, dict[str, int]]) -> None:
    """Raise InventoryError for a host of two servers: it has one cluster, one archive, one thing to take back."""
    holds: dict[str, str] = {}
    for name, nodes in servers.items():
        for host in nodes:
            if host in holds:
                raise InventoryError(
                    f"{file}: [servers.{name}] {host} holds {holds[host]}: each needs hosts of its own"
                )
            holds[host] = name


def _host(file: Path, name: str, facts: dict[str, Any]) -> Host:
    where = f"hosts.{name}"
    if "address" not in facts or "roles" not in facts:
        raise InventoryError(f"{file}: [{where}] needs an address and roles")
    roles = facts["roles"] if isinstance(facts["roles"], list) else [facts["roles"]]
    if unknown := [role for role in roles if role not in ROLES]:
        raise InventoryError(f"{file}: [{where}] there is no role {unknown[0]!r}; roles are {_words(ROLES)}")
    also = facts.get("also", [])
    if not isinstance(also, list) or set(also) - set(ALSO):
        raise InventoryError(f"{file}: [{where}] also is a list of {_words(ALSO)}")
    host: Host = _checked(file, where, Host, facts | {"name": name, "roles": tuple(roles), "also": tuple(also)})
    if not host.base.startswith("/"):
        raise InventoryError(f"{file}: [{where}] base must be an absolute path")
    if host.services not in ("systemd", "processes"):
        raise InventoryError(f"{file}: [{where}] services is systemd or processes")
    return host


def _checked(file: Path, where: str, kind: Any, facts: dict[str, Any]) -> Any:
    known = {each.name: each.type for each in fields(kind)}
    if unknown := [name for name in facts if name not in known]:
        raise InventoryError(f"{file}: [{where}] does not know {unknown[0]!r}; it knows {_words(known)}")
    for name, value in facts.items():
        wanted = (int, float) if known[name] is float else known[name]
        is_other = isinstance(value, bool) != (wanted is bool)  # a bool would pass for a number
        if isinstance(wanted, type | tuple) and (not isinstance(value, wanted) or is_other):
            raise InventoryError(f"{file}: [{where}] {name} = {value!r} is of the wrong kind")
    return kind(**facts)


def _words(names: Iterable[str]) -> str:
    return ", ".join(names)
