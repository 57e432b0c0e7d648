"""PostgreSQL servers and Redis of the photo map: in the full data centre each is two nodes, one of which follows.

Which one is the primary says instagram/topology.py, asked anew at each start: `promote` changes it. A node's name and
port stay, whatever its role is.
"""

import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg2
from django.conf import settings
from psycopg2.extensions import make_dsn

from instagram import topology
from instagram.topology import Node
from stack import accounts, paths, prepare, probes
from stack.component import Component
from stack.errors import StackError

POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")
#: What makes a node follow, written into its postgresql.auto.conf.
STANDBY_SETTINGS = ("primary_conninfo", "primary_slot_name", "synchronous_standby_names")


def postgres(*, full: bool) -> list[Component]:
    """Return the PostgreSQL servers, primaries first; full: with their hot standbys, by streaming, with a slot."""
    primaries = {name: topology.primary(name) for name in settings.POSTGRES_PORTS}
    found = [_postgres(name, node) for name, node in primaries.items()]
    if full:
        for name, node in primaries.items():
            found += [_postgres(name, other, after=(node.name,)) for other in topology.nodes(name) if other != node]
    return found


def redis(*, full: bool) -> list[Component]:
    """Return the Redis servers of the photo map; full: with their replicas."""
    found = [_redis(topology.primary(name), full=full) for name in redis_servers()]
    if full:
        for name in redis_servers():
            primary = topology.primary(name)
            found += [_redis(node, full=True) for node in topology.nodes(name) if node != primary]
    return found


def redis_servers() -> list[str]:
    """Return the names of the Redis servers of this data centre."""
    return [f"redis_{number}" for number in range(1, len(settings.REDIS_PORTS) + 1)]


def redis_roles() -> dict[str, str]:
    """Return a configuration file for each Redis node: whom it follows; empty for a primary."""
    texts = {}
    for name in redis_servers():
        primary = topology.primary(name)
        for node in topology.nodes(name):
            texts[f"{node.name}.conf"] = "" if node == primary else f"replicaof {primary.host} {primary.port}\n"
    return texts


def standby_settings(node: Node, primary: Node) -> dict[str, str]:
    """Return what makes a node follow: of each of STANDBY_SETTINGS its line in postgresql.auto.conf.

    The password stands in it, as pg_basebackup would write it: the file is the server's account's alone.
    """
    link = make_dsn(
        host=primary.host,
        port=primary.port,
        user=settings.DB_REPLICATION_USER,
        password=settings.DB_REPLICATION_PASSWORD,
        application_name=node.slot,
        connect_timeout=5,
    )
    # Once for libpq, by make_dsn(), once for PostgreSQL's own file.
    values = (value.replace("\\", "\\\\").replace("'", "''") for value in (link, node.slot, ""))
    return {name: f"{name} = '{value}'" for name, value in zip(STANDBY_SETTINGS, values, strict=True)}


def _postgres(server: str, node: Node, *, after: tuple[str, ...] = ()) -> Component:
    return Component(
        name=node.name,
        argv=[str(POSTGRES_BIN / "postgres"), "-D", str(paths.data(node.name))]
        + ["-c", f"config_file={paths.etc('postgresql.conf')}", "-c", f"hba_file={paths.etc('pg_hba.conf')}"]
        + ["-c", f"port={node.port}"],
        ports=[node.port],
        probe=probes.postgres(node.port),
        after=after,
        before=lambda: prepare_postgres(server, node),
        ready=_if_primary(server, node, lambda: prepare.role_and_databases(server, node.port)),
        stop_signal=signal.SIGINT,  # "fast": ends sessions instead of waiting for them
    )


def _redis(node: Node, *, full: bool) -> Component:
    role = ["--include", str(paths.etc(f"{node.name}.conf"))] if full else []
    return Component(
        name=node.name,
        argv=["/usr/bin/redis-server", str(paths.etc("redis.conf")), "--port", str(node.port)]
        + ["--dir", str(paths.data(node.name)), *role],
        ports=[node.port],
        probe=probes.says(node.port, b"PING\r\n", b"+PONG"),
        before=lambda: prepare.data_directory(node.name),
    )


def _if_primary(server: str, node: Node, verb: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        if topology.primary(server) == node:
            verb()

    return run


def prepare_postgres(server: str, node: Node) -> None:
    """Make a node's data, unless it is there and fits its role: a new cluster, or a copy of the primary's.

    Raises StackError.
    """
    primary = topology.primary(server)
    if node != primary:
        _follow(node, primary)
        return
    others = [other.name for other in topology.nodes(server) if other != node and paths.data(other.name).exists()]
    if others and not paths.data(node.name).exists():
        raise StackError(f"the data of {node.name} is gone, but {others[0]} has a copy: promote {server}")
    prepare.init_postgres(node.name, POSTGRES_BIN)


def _follow(node: Node, primary: Node) -> None:
    """Make the node's data a copy of the primary's, unless it is one that can still follow.

    It cannot once the primary has thrown away what it has not read, or the slot (the lean data centre does); and what
    was a primary itself, and was not rebuilt after a promotion, is no copy.
    """
    directory = paths.data(node.name)
    is_copy = (directory / "standby.signal").exists()
    try:
        found = _ask(primary, f"SELECT wal_status FROM pg_replication_slots WHERE slot_name = '{node.slot}'")
    except psycopg2.OperationalError:
        if is_copy:
            return  # nobody to ask: it serves what it has, and follows when the primary is back
        raise
    if not (is_copy and found and found[0][0] != "lost"):
        if found:
            _ask(primary, f"SELECT pg_drop_replication_slot('{node.slot}')")
        _ask(primary, f"SELECT pg_create_physical_replication_slot('{node.slot}', true)")
        _base_backup(node, primary, directory)
    _be_standby(directory, node, primary)


def _ask(node: Node, sql: str) -> list[tuple]:
    return probes.query(node.port, sql, "postgres", user="postgres", password=settings.DB_SUPERUSER_PASSWORD)


def _base_backup(node: Node, primary: Node, directory: Path) -> None:
    draft = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    prepare.data_directory(draft.name)
    link = f"host={primary.host} port={primary.port} user={settings.DB_REPLICATION_USER}"
    try:
        # --no-sync: whoever loses power meanwhile begins anew, as the draft's name says.
        subprocess.run(
            [str(POSTGRES_BIN / "pg_basebackup"), "-D", str(draft), "--slot", node.slot]
            + ["-d", f"{link} passfile={paths.etc('replication.pgpass')}"]
            + ["--wal-method=stream", "--checkpoint=fast", "--no-sync"],
            check=True,
            capture_output=True,
            text=True,
            cwd="/",
            timeout=settings.STACK_READY_TIMEOUT_S,
            **accounts.servers().popen_arguments(),
        )
    except subprocess.CalledProcessError as error:
        raise StackError(f"pg_basebackup failed for {node.name}: {error.stderr.strip().splitlines()[-1]}") from error
    _be_standby(draft, node, primary)
    shutil.rmtree(directory, ignore_errors=True)
    draft.rename(directory)


def _be_standby(directory: Path, node: Node, primary: Node) -> None:
    file = directory / "postgresql.auto.conf"
    kept = [line for line in file.read_text().splitlines() if line.partition(" ")[0] not in STANDBY_SETTINGS]
    lines = [*kept, *standby_settings(node, primary).values()]
    accounts.servers().write(file, "\n".join(lines) + "\n")
    accounts.servers().write(directory / "standby.signal", "")
