"""Schemas of the servers and their logical shards: made and migrated by SQL files, versioned per schema.

Each room keeps `shard_sql/local/*.sql` (once per server, main included, schema `local`) and `shard_sql/logical/*.sql`
(once per logical shard). A file runs once per schema, in the order of rooms and names, in one transaction with its
row in local.schema_version; so a kill leaves whole versions only and the next run goes on where this one stopped.
Connections are direct, not through PgBouncer, and serve DDL alone.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
from django.apps import apps
from django.conf import settings

from .servers import Server, all_servers
from .shard import shards_on

#: local.schema_version's logical_shard for the server's own schema `local`.
LOCAL = -1
#: Logical shards migrated in one transaction: fewer commits, and a kill costs a second at most.
BATCH = 8


@dataclass(frozen=True)
class Step:
    """One SQL file of one room."""

    room: str
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Return a fingerprint that tells when a landed file was changed."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


@dataclass
class Outcome:
    """What a migration did on one server: schemas brought up to date, and those that failed, with why."""

    server: Server
    migrated: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def steps(kind: str) -> list[Step]:
    """Return the files of all rooms, in order. kind: "local" or "logical"."""
    return [
        Step(app.label, path.stem, path.read_text())
        for app in apps.get_app_configs()
        for path in sorted((Path(app.path) / "shard_sql" / kind).glob("*.sql"))
    ]


@contextlib.contextmanager
def direct(server: Server) -> Iterator[Any]:
    """Open a connection to the server itself, without the role's statement time-out."""
    connection = psycopg2.connect(
        host=settings.DB_HOST,
        port=settings.POSTGRES_PORTS[server.name],
        dbname=server.name + settings.DB_SUFFIX,
        user=settings.DB_USER,
        password=settings.DB_PASSWORD,
        connect_timeout=5,
        options="-c statement_timeout=0 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=0"
        " -c client_min_messages=warning",
    )
    try:
        yield connection
    finally:
        connection.close()


def applied(cursor: Any) -> dict[int, dict[tuple[str, str], str]]:
    """Return {logical shard: {(room, file): checksum}} as recorded on a server; empty before its first migration."""
    cursor.execute("SELECT to_regclass('local.schema_version')")
    if cursor.fetchone()[0] is None:
        return {}
    cursor.execute("SELECT logical_shard, room, name, checksum FROM local.schema_version")
    versions: dict[int, dict[tuple[str, str], str]] = {}
    for number, room, name, checksum in cursor.fetchall():
        versions.setdefault(number, {})[room, name] = checksum
    return versions


def migrate(tick: Callable[[Server, int], None] = lambda server, count: None) -> list[Outcome]:
    """Bring every server and logical shard up to date, servers side by side. tick: called with schemas done."""
    servers = all_servers()
    with ThreadPoolExecutor(len(servers)) as pool:
        return list(pool.map(lambda server: _migrate_server(server, tick), servers))


def pending(server: Server) -> int:
    """Return how many schemas of a server miss a step."""
    local, logical = steps("local"), steps("logical")
    with direct(server) as connection, connection.cursor() as cursor:
        done = applied(cursor)
    numbers = [shard.number for shard in shards_on(server)]
    return int(bool(_missing(done.get(LOCAL, {}), local))) + sum(
        bool(_missing(done.get(number, {}), logical)) for number in numbers
    )


def _missing(done: dict[tuple[str, str], str], wanted: list[Step]) -> list[Step]:
    return [step for step in wanted if (step.room, step.name) not in done]


def _migrate_server(server: Server, tick: Callable[[Server, int], None]) -> Outcome:
    outcome = Outcome(server)
    try:
        with direct(server) as connection:
            with connection, connection.cursor() as cursor:
                # One migration at a time per server; a second waits, then finds nothing to do.
                cursor.execute("SELECT pg_advisory_xact_lock(42)")
                _prepare(cursor)
                missing = _missing(applied(cursor).get(LOCAL, {}), steps("local"))
                _apply(cursor, LOCAL, missing)
                outcome.migrated += bool(missing)
            _migrate_shards(connection, server, outcome, tick)
    except psycopg2.Error as error:
        outcome.failed[server.name] = str(error).strip()
    return outcome


def _prepare(cursor: Any) -> None:
    cursor.execute(
        "CREATE SCHEMA IF NOT EXISTS local;"
        "CREATE TABLE IF NOT EXISTS local.schema_version ("
        " logical_shard smallint, room text, name text, checksum text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (logical_shard, room, name))"
    )


def _migrate_shards(connection: Any, server: Server, outcome: Outcome, tick: Callable[[Server, int], None]) -> None:
    wanted = steps("logical")
    numbers = [shard.number for shard in shards_on(server)]
    with connection, connection.cursor() as cursor:
        done = applied(cursor)
    todo = {number: missing for number in numbers if (missing := _missing(done.get(number, {}), wanted))}
    tick(server, len(numbers) - len(todo))
    queue = list(todo)
    for batch in (queue[start : start + BATCH] for start in range(0, len(queue), BATCH)):
        try:
            _migrate_batch(connection, {number: todo[number] for number in batch})
            outcome.migrated += len(batch)
        except psycopg2.Error:
            # One of them is at fault: one by one, so that it alone is left out.
            for number in batch:
                try:
                    _migrate_batch(connection, {number: todo[number]})
                    outcome.migrated += 1
                except psycopg2.Error as error:
                    outcome.failed[f"s{number:04d}"] = str(error).strip()
        tick(server, len(batch))


def _migrate_batch(connection: Any, todo: dict[int, list[Step]]) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(42)")
        done = applied(cursor)
        for number, missing in todo.items():
            _apply(cursor, number, _missing(done.get(number, {}), missing))


def _apply(cursor: Any, number: int, missing: list[Step]) -> None:
    if not missing:
        return
    schema = "local" if number == LOCAL else f"s{number:04d}"
    tokens = {
        "schema": schema,
        "shard": number,
        "shards": settings.LOGICAL_SHARDS,
        "epoch_ms": settings.ID_EPOCH_MS,
        "max_ahead_ms": settings.ID_MAX_AHEAD_MS,
    }
    text = f"CREATE SCHEMA IF NOT EXISTS {schema}; SET LOCAL search_path = {schema};\n"
    for step in missing:
        text += step.text + "\n;\n"
    for token, value in tokens.items():
        text = text.replace("{{" + token + "}}", str(value))
    # One message: no arguments, so that percent signs in the files stay what they are.
    cursor.execute(text)
    cursor.execute("SET LOCAL search_path = DEFAULT")
    values = b",".join(
        cursor.mogrify("(%s,%s,%s,%s)", [number, step.room, step.name, step.checksum]) for step in missing
    )
    cursor.execute(b"INSERT INTO local.schema_version (logical_shard, room, name, checksum) VALUES " + values)
