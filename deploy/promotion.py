"""`fab promote`: recovery.failover on hosts of the inventory, by SSH; without one, on this machine's data centre.

The inventory's tables [servers.NAME] say which hosts hold a server, [pgbouncer] where the poolers are
(inventory.example.toml). Which node is primary stands in shared/topology.json of every host of a pooler; where those
differ, the newest counts.
"""

import json
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any

from django.conf import settings
from fabric import task
from invoke import Context, Exit

from deploy import inventory, primaries, record
from deploy.desk import fleet_of, say
from deploy.inventory import RELEASED, Host
from deploy.remote import Fleet
from instagram.topology import Node
from recovery.failover.local import LocalSite, one_at_a_time
from recovery.failover.promotion import Wish
from recovery.failover.sites import FailoverError, NotAnswering, Refused, Row, Unreachable
from recovery.failover.verbs import promote as promote_at

#: Between columns; nothing that is asked holds one.
_SEPARATOR = "|"


@dataclass(frozen=True)
class Server:
    """A table [servers.NAME]. nodes: host -> port. socket: directory of its Unix socket. {base}: the host's base.

    synchronous: commits wait for the replica; then `manage.py replicas guard` must run somewhere.
    """

    nodes: dict[str, int]
    unit: str = "postgresql@15-main"
    account: str = "postgres"
    data: str = "/var/lib/postgresql/15/main"
    config: str = "/etc/postgresql/15/main/postgresql.conf"
    binaries: str = "/usr/lib/postgresql/15/bin"
    socket: str = "/var/run/postgresql"
    synchronous: bool = False


@dataclass(frozen=True)
class Poolers:
    """The table [pgbouncer]. hosts: names or roles. file: included by pgbouncer.ini. console: how to command it."""

    hosts: str = ",".join(RELEASED)
    file: str = "/etc/pgbouncer/databases.ini"
    #: PgBouncer lets its own account in as "pgbouncer" by its socket; Debian's is postgres.
    console: str = "sudo -n -u postgres /usr/bin/psql -h /var/run/postgresql -p 6432 -U pgbouncer pgbouncer"


@dataclass
class HostMachine:
    """A node on a host."""

    fleet: Fleet
    host: Host
    node: Node
    server: Server
    data: str = field(init=False)
    binaries: str = field(init=False)
    config: str = field(init=False)
    socket: str = field(init=False)
    #: Redis writes its role into its own configuration.
    keeps_role = True

    def __post_init__(self) -> None:
        self.data, self.config, self.socket = (
            words.replace("{base}", self.host.base)
            for words in (self.server.data, self.server.config, self.server.socket)
        )
        self.binaries = self.server.binaries

    def sql(self, statement: str, *, database: str = "postgres", seconds: float = 5.0) -> list[Row]:
        """Run one statement as superuser, on the host itself. Raises NotAnswering."""
        psql = f"timeout {seconds:.0f} {self.binaries}/psql -AtXq -v ON_ERROR_STOP=1 -F {quote(_SEPARATOR)}"
        # Nothing here is worth waiting for a replica that is away.
        link = f"host={self.socket} port={self.node.port} user=postgres dbname={database}"
        link += " options='-c synchronous_commit=local'"
        try:
            said = self.shell(f"{psql} -d {quote(link)} -c {quote(statement)}", seconds=seconds + 5)
        except Unreachable as error:
            raise NotAnswering(str(error)) from error
        except FailoverError as error:
            if "ERROR:" in str(error):
                raise
            raise NotAnswering(str(error)) from error
        return [tuple(line.split(_SEPARATOR)) for line in said.splitlines() if _SEPARATOR in line or line]

    def shell(self, script: str, *, seconds: float = 60.0, secret: str = "") -> str:
        """Run a script as the account of the server, a secret at its standard input.

        Raises FailoverError, Unreachable.
        """
        return self._run(f"{self._as(self.server.account)} bash -c {quote(script)}", seconds, secret)

    def fence(self, *, gently: bool) -> None:
        """End the node's server and keep it from starting with its host. Raises Unreachable."""
        if self.host.services == "processes":
            how = f"{self.binaries}/pg_ctl -D {quote(self.data)} stop -m fast -t 20"
            kill = 'pid=$(head -1 postmaster.pid) && kill -9 $pid $(pgrep -P "$pid")'
            self.shell(
                f"cd {quote(self.data)} && touch ../fenced; [ ! -e postmaster.pid ] || {how if gently else kill}; true"
            )
            return
        unit = quote(self.server.unit)
        self._keep("manual")
        kill = "" if gently else f"{self._as('root')} systemctl kill -s KILL {unit}; "
        self._run(f"{self._as('root')} systemctl disable -q {unit}; {kill}{self._as('root')} systemctl stop {unit}", 60)

    def release(self) -> None:
        """Start the node's server, now and with its host."""
        if self.host.services == "processes":
            options = f"-c config_file={self.config} -p {self.node.port}"
            start = f"{self.binaries}/pg_ctl -D {quote(self.data)} start -w -t 60 -l ../log -o {quote(options)}"
            self.shell(f"cd {quote(self.data)} && rm -f ../fenced && {start} >/dev/null", seconds=70)
            return
        self._keep("auto")
        unit = quote(self.server.unit)
        self._run(f"{self._as('root')} systemctl enable -q {unit}; {self._as('root')} systemctl start {unit}", 90)

    def _keep(self, word: str) -> None:
        """Tell Debian's own start file of the cluster, which its units obey."""
        if self.server.unit.startswith("postgresql@"):
            cluster = self.server.unit.partition("@")[2].replace("-", "/", 1)
            self.shell(f"echo {word} > /etc/postgresql/{cluster}/start.conf")

    def _as(self, account: str) -> str:
        if self.host.user == account:
            return ""
        if self.host.user == "root":
            return f"runuser -u {account} --"
        return f"sudo -n -u {account}"

    def _run(self, command: str, seconds: float, secret: str = "") -> str:
        (answer,) = self.fleet.read([self.host], lambda _: command, seconds=seconds, secret=secret)
        if answer.ok:
            return answer.text
        if answer.away:
            raise Unreachable(f"{self.host.name} {answer.text}")
        raise FailoverError(f"{self.host.name}: {(answer.text.splitlines() or ['no reason given'])[-1]}")


class HostSite:
    """The hosts of an inventory."""

    def __init__(self, fleet: Fleet, say: Callable[[str], None]) -> None:
        self.fleet, self.say = fleet, say
        content = tomllib.loads(fleet.inventory.path.read_text(encoding="utf-8"))
        try:
            self.servers = {name: Server(**facts) for name, facts in content.get("servers", {}).items()}
            self.poolers = Poolers(**content.get("pgbouncer", {}))
        except TypeError as error:
            raise Refused(f"{fleet.inventory.path}: [servers] or [pgbouncer]: {error}") from error
        if settings.DEVELOPMENT_MARK in settings.DB_REPLICATION_PASSWORD and any(
            host.services == "systemd" for host in fleet.inventory.hosts.values()
        ):
            raise Refused("set DB_REPLICATION_PASSWORD in the environment: it is the development one")
        self.users = [host for host in fleet.inventory.chosen(self.poolers.hosts) if "lb" not in host.roles]
        self._facts = primaries.newest(fleet, self.users)

    def nodes(self, server: str) -> list[Node]:
        """Return a server's nodes."""
        if server.startswith("redis_"):
            raise Refused("a Redis has no replica on hosts: lost, its map heals by itself (docs/failover.md)")
        if server not in self.servers:
            raise Refused(f"{self.fleet.inventory.path}: there is no [servers.{server}]; see inventory.example.toml")
        hosts = self.fleet.inventory.hosts
        return [Node(name, hosts[name].address, port) for name, port in self.servers[server].nodes.items()]

    def machine(self, node: Node) -> HostMachine:
        """Return the host of a node."""
        server = next(its for its in self.servers.values() if its.nodes.get(node.name) == node.port)
        return HostMachine(self.fleet, self.fleet.inventory.hosts[node.name], node, server)

    def facts(self, server: str) -> dict[str, Any]:
        """Return what is written down of a server."""
        return dict(self._facts.get(server, {}))

    def note(self, server: str, **changes: Any) -> None:
        """Write facts of a server down on every host of a pooler; raises FailoverError when none took them."""
        entry = self.facts(server) | changes
        entry["serial"] = entry.get("serial", 0) + 1
        self._facts[server] = {name: value for name, value in entry.items() if value is not None}
        text = primaries.topology(self.fleet.inventory, self._facts).rstrip("\n")

        def command(host: Host) -> str:
            file = quote(f"{host.base}/shared/topology.json")
            return f"echo {quote(text)} > {file}.new && mv {file}.new {file}"

        self._everywhere(command, "is not told of it", all_of_them=False)

    def wants_synchrony(self, server: str) -> bool:
        """Return what the inventory says."""
        return self.servers[server].synchronous

    def databases(self, server: str) -> list[str]:
        """Return the server's databases."""
        return [server]

    def pause(self, server: str, seconds: float) -> None:
        """Pause the server's pool on every host. Raises Refused when transactions there take too long."""
        longer = f"SET query_wait_timeout = {int(seconds) + 10}"
        try:
            self._everywhere(lambda _: self._console(longer), "does not pause")
            self._everywhere(lambda _: f"timeout {seconds:.0f} {self._console(f'PAUSE {server}')}", "does not pause")
        except FailoverError as error:
            self.resume(server)
            # One that is away has not paused either.
            self._everywhere(lambda _: self._console("RELOAD"), "does not go on", all_of_them=False)
            raise Refused(f"{error}: nothing changed") from error

    def resume(self, server: str) -> None:
        """End the pause; PgBouncer says so where there is none. Who is away is gone on without, as by repoint()."""
        line = f"{self._console(f'RESUME {server}')} 2>/dev/null || true"
        self._everywhere(lambda _: line, "does not go on", all_of_them=False)

    def repoint(self, server: str) -> None:
        """Write the poolers' databases anew and let them read the file.

        A host that is away is gone on without, and named: it sends to the old primary, which is ended or follows.
        Raises FailoverError when no pooler takes it.
        """
        text = primaries.databases(self.fleet.inventory, self._facts).rstrip("\n")

        def command(host: Host) -> str:
            file = quote(self.poolers.file)
            sudo = "" if host.user == "root" else "sudo -n "
            return f"echo {quote(text)} | {sudo}tee {file} >/dev/null && {self._console('RELOAD')}"

        for host in self._everywhere(command, "still sends to the old primary", all_of_them=False):
            self.say(f"  once {host.name} is back: fab provision --hosts {host.name} sends it to the new primary")

    def record(self, **facts: Any) -> None:
        """Append a line to promotions.jsonl on the hosts."""
        line = json.dumps({"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "by": record.me()} | facts)
        self._everywhere(
            lambda host: f"echo {quote(line)} >> {quote(host.base)}/shared/promotions.jsonl", "", all_of_them=False
        )

    def _console(self, command: str) -> str:
        return f"{self.poolers.console} -v ON_ERROR_STOP=1 -qAtXc {quote(command)}"

    def _everywhere(self, command: Callable[[Host], str], otherwise: str, *, all_of_them: bool = True) -> list[Host]:
        """Run a command on the hosts of poolers; return those of apps and workers on which it did not work."""
        answers = self.fleet.read(self.users, command)
        bad = [answer for answer in answers if not answer.ok]
        for answer in bad:
            self.say(f"  {answer.host.name}: {answer.text}")
        # A database host's pooler serves its backups alone: away with its host, it is told once that is a replica.
        needed = [answer for answer in bad if set(answer.host.roles) & {"app", "worker"}]
        if (needed and all_of_them) or (bad and len(bad) == len(answers)):
            raise FailoverError(f"{', '.join(answer.host.name for answer in needed or bad)} {otherwise}")
        return [answer.host for answer in needed]


@task(
    help={
        "server": "main, shard_a …; on this machine also redis_1",
        "to": "the node that shall be primary, default: the one that is not",
        "planned": "the primary is well: switch without an error",
        "force": "end a primary that still answers, or is frozen",
        "accept-loss": "also when acknowledged writes may be lost",
        "old-is-gone": "the old primary's host cannot be reached, and is off for certain",
        "dry-run": "only say how it stands, what would be done and lost",
    }
)
def promote(  # noqa: PLR0917  # fab makes options of them
    _c: Context,
    server: str,
    to: str = "",
    planned: bool = False,
    force: bool = False,
    accept_loss: bool = False,
    old_is_gone: bool = False,
    dry_run: bool = False,
) -> None:
    """Make a server's replica its primary, send everybody there, rebuild the old one. Run it again if it breaks off."""
    wish = Wish(to, planned, force, accept_loss, old_is_gone, dry_run)
    try:
        if os.environ.get("INVENTORY") or Path(inventory.DEFAULT).exists():
            _at_hosts(server, wish)
        else:
            with one_at_a_time():
                promote_at(LocalSite(say), server, wish)
    except (Refused, inventory.InventoryError, record.Locked) as error:
        raise Exit(str(error), code=2) from error
    except FailoverError as error:
        raise Exit(f"{error}; run it again", code=1) from error


def _at_hosts(server: str, wish: Wish) -> None:
    fleet = fleet_of()
    try:
        site = HostSite(fleet, say)
        try:
            with record.lock(fleet, f"promote {server}"):
                promote_at(site, server, wish)
        except ConnectionError as error:
            # An outage is no time to wait for the host that keeps the lock.
            say(f"without the lock: {error}")
            promote_at(site, server, wish)
    finally:
        fleet.close()
