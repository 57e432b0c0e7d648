"""The copies of the full data centre: a streaming replica per PostgreSQL server, a replica per Redis."""

import shutil
import signal
import subprocess
from pathlib import Path

import psycopg2
from django.conf import settings

from stack import accounts, paths, prepare, probes
from stack.component import Component
from stack.errors import StackError

POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")


def postgres_argv(component: str, port: int) -> list[str]:
    """Return how a PostgreSQL server starts, primary or replica."""
    return (
        [str(POSTGRES_BIN / "postgres"), "-D", str(paths.data(component))]
        + ["-c", f"config_file={paths.etc('postgresql.conf')}", "-c", f"hba_file={paths.etc('pg_hba.conf')}"]
        + ["-c", f"port={port}"]
    )


def postgres() -> list[Component]:
    """Return a replica of each PostgreSQL server: hot standby, by streaming, with a slot."""
    return [_postgres(name, port) for name, port in settings.POSTGRES_REPLICA_PORTS.items()]


def redis() -> list[Component]:
    """Return a replica of each Redis."""
    return [_redis(number, port) for number, port in enumerate(settings.REDIS_REPLICA_PORTS, 1)]


def conninfo(name: str, port: int) -> str:
    """Return how the replica of `name` finds the server to follow, on `port`; the password is in a file."""
    return (
        f"host=127.0.0.1 port={port} user={settings.DB_REPLICATION_USER} application_name={prepare.slot(name)}"
        f" passfile={paths.etc('replication.pgpass')}"
    )


def _postgres(name: str, port: int) -> Component:
    component, primary = f"postgres_{name}_replica", settings.POSTGRES_PORTS[name]
    return Component(
        name=component,
        argv=postgres_argv(component, port)
        + ["-c", f"primary_conninfo={conninfo(name, primary)}", "-c", f"primary_slot_name={prepare.slot(name)}"],
        ports=[port],
        probe=probes.postgres(port),
        after=(f"postgres_{name}",),
        before=lambda: copy_postgres(name, primary),
        stop_signal=signal.SIGINT,
    )


def _redis(number: int, port: int) -> Component:
    name = f"redis_{number}_replica"
    return Component(
        name=name,
        argv=["/usr/bin/redis-server", str(paths.etc("redis.conf")), "--port", str(port)]
        + ["--dir", str(paths.data(name)), "--replicaof", "127.0.0.1", str(settings.REDIS_PORTS[number - 1])],
        ports=[port],
        probe=probes.says(port, b"PING\r\n", b"+PONG"),
        after=(f"redis_{number}",),
        before=lambda: prepare.data_directory(name),
    )


def copy_postgres(name: str, primary: int) -> None:
    """Make the replica's data from the server on port `primary`, unless it is there and can still follow.

    It cannot once the server has thrown away what it has not read, or the slot (the lean data centre does).
    Raises StackError.
    """
    directory, slot = paths.data(f"postgres_{name}_replica"), prepare.slot(name)
    try:
        found = _ask(primary, f"SELECT wal_status FROM pg_replication_slots WHERE slot_name = '{slot}'")
    except psycopg2.OperationalError:
        if directory.exists():
            return  # nobody to ask: it serves what it has, and follows when the server is back
        raise
    if directory.exists() and found and found[0][0] != "lost":
        return
    if found:
        _ask(primary, f"SELECT pg_drop_replication_slot('{slot}')")
    _ask(primary, f"SELECT pg_create_physical_replication_slot('{slot}', true)")
    _base_backup(name, primary, directory)


def _ask(port: int, sql: str) -> list[tuple]:
    return probes.query(port, sql, "postgres", user="postgres", password=settings.DB_SUPERUSER_PASSWORD)


def _base_backup(name: str, primary: int, directory: Path) -> None:
    draft = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    prepare.data_directory(draft.name)
    try:
        # --no-sync: whoever loses power meanwhile begins anew, as the draft's name says.
        subprocess.run(
            [POSTGRES_BIN / "pg_basebackup", "-D", draft, "-d", conninfo(name, primary), "--slot", prepare.slot(name)]
            + ["--wal-method=stream", "--checkpoint=fast", "--no-sync"],
            check=True,
            capture_output=True,
            text=True,
            cwd="/",
            timeout=settings.STACK_READY_TIMEOUT_S,
            **accounts.servers().popen_arguments(),  # type: ignore[call-overload]
        )
    except subprocess.CalledProcessError as error:
        raise StackError(f"pg_basebackup failed for {name}: {error.stderr.strip().splitlines()[-1]}") from error
    standby = draft / "standby.signal"
    standby.touch(mode=0o600)
    accounts.servers().own(standby)
    shutil.rmtree(directory, ignore_errors=True)
    draft.rename(directory)
