"""Schemas of the servers and their logical shards: placed, made and migrated by SQL files, versioned per schema.

Each room keeps `shard_sql/local/*.sql` (once per server, main included, schema `local`) and `shard_sql/logical/*.sql`
(once per logical shard). A file runs once per schema, in the order of rooms and names, in one transaction with its
row in local.schema_version; so a kill leaves whole versions only and the next run goes on where this one stopped.
Connections are direct, not through PgBouncer, and serve DDL alone. docs/sharding.md tells the rest.
"""

import contextlib
import hashlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
from django.apps import apps
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from psycopg2 import errors, sql

from instagram import topology

from . import placement
from .models import Placement
from .servers import Server, all_servers
from .shard import shards_on

#: local.schema_version's logical_shard for the server's own schema `local`.
LOCAL = -1
#: Logical shards migrated in one transaction, 3 round trips in all. Many more would need more locks than servers have.
BATCH = 8
#: Connections to each server. Half of the time goes into waiting: PostgreSQL syncs every new index to disk by itself.
CONNECTIONS = 3
#: A statement that waits for a lock on a busy table makes everybody behind it wait too: give up early, try again.
LOCK_TIMEOUT_MS, LOCK_ATTEMPTS = 2_000, 5

_LOCK_CLASS = 1_768_191_854
Versions = dict[tuple[str, str], str]  # (room, file) -> checksum


class InstallationError(Exception):
    """The installation is not what the settings say, or not there yet; the sentence says what to do."""


@dataclass(frozen=True)
class Step:
    """One SQL file of one room."""

    room: str
    name: str
    text: str
    checksum: str  # tells when a file that ran was changed

    def __str__(self) -> str:
        return f"{self.room}/{self.name}"


@dataclass
class Outcome:
    """What a migration did on one server."""

    server: Server
    migrated: int = 0
    #: "s0005" or the server's name -> why.
    failed: dict[str, str] = field(default_factory=dict)


def steps(kind: str) -> list[Step]:
    """Return the files of all rooms, in order. kind: "local" or "logical"."""
    found = []
    for app in apps.get_app_configs():
        for path in sorted((Path(app.path) / "shard_sql" / kind).glob("*.sql")):
            text = path.read_text()
            found.append(Step(app.label, path.stem, text, hashlib.sha256(text.encode()).hexdigest()[:16]))
    return found


@contextlib.contextmanager
def direct(server: Server) -> Iterator[Any]:
    """Open a connection to the server itself, without the role's statement time-out."""
    node = topology.primary(server.name)
    try:
        link = psycopg2.connect(
            host=node.host,
            port=node.port,
            dbname=server.name + settings.DB_SUFFIX,
            user=settings.DB_USER,
            password=settings.DB_PASSWORD,
            connect_timeout=5,
            application_name="shards",
            options=f"-c statement_timeout=0 -c lock_timeout={LOCK_TIMEOUT_MS} -c idle_in_transaction_session_timeout=0"
            " -c client_min_messages=warning",
        )
    except psycopg2.OperationalError as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise psycopg2.OperationalError(f"{node.address} does not answer: {reason}") from error
    try:
        yield link
    finally:
        link.close()


def applied(cursor: Any, numbers: Collection[int] | None = None) -> dict[int, Versions]:
    """Return what ran, by logical shard (LOCAL: the schema `local`), of all or of `numbers`."""
    cursor.execute("SELECT to_regclass('local.schema_version')")
    if cursor.fetchone()[0] is None:
        return {}
    cursor.execute(
        "SELECT logical_shard, room, name, checksum FROM local.schema_version"
        " WHERE %(numbers)s IS NULL OR logical_shard = ANY (%(numbers)s)",
        {"numbers": None if numbers is None else list(numbers)},
    )
    versions: dict[int, Versions] = {}
    for number, room, name, checksum in cursor.fetchall():
        versions.setdefault(number, {})[room, name] = checksum
    return versions


def missing(done: Versions, wanted: Sequence[Step]) -> list[Step]:
    """Return the steps that have not run."""
    return [step for step in wanted if (step.room, step.name) not in done]


def changed(done: Versions, wanted: Sequence[Step]) -> list[Step]:
    """Return the steps that ran with another text than their file has now."""
    return [step for step in wanted if done.get((step.room, step.name), step.checksum) != step.checksum]


def planned_placement() -> list[str]:
    """Return the server of each logical shard of a new installation: contiguous shares. Raises InstallationError."""
    count, names = settings.LOGICAL_SHARDS, settings.SHARD_SERVERS
    if not 1 <= count <= 8192 or count & (count - 1):
        raise InstallationError(f"LOGICAL_SHARDS is {count}: it must be a power of two, at most 8192.")
    return [names[number * len(names) // count] for number in range(count)]


def require_placement() -> None:
    """Raise InstallationError unless the logical shards are placed and as many as the settings say."""
    placed = _placed()
    if not placed:
        raise InstallationError("No logical shards are placed yet: run manage.py shards create.")
    _require_same_count(placed)


def place() -> bool:
    """Write the placement of a new installation; return False if it is there already. Raises InstallationError."""
    plan = planned_placement()
    _placed()  # says it better than the lock would if the table is missing
    with transaction.atomic(), connection.cursor() as cursor:
        # Two first runs at once: the second finds what the first wrote.
        cursor.execute(f"LOCK TABLE {Placement._meta.db_table} IN EXCLUSIVE MODE")
        if placed := _placed():
            _require_same_count(placed)
            return False
        Placement.objects.bulk_create(Placement(logical_shard=number, server=name) for number, name in enumerate(plan))
    placement.forget()
    return True


def create() -> list[Outcome]:
    """Place the logical shards of a new installation and make everything; repeatable. Raises InstallationError."""
    place()
    return migrate()


def migrate(
    tick: Callable[[Server, int], None] = lambda server, count: None,
    *,
    only: Callable[[Step], bool] = lambda step: True,
) -> list[Outcome]:
    """Bring every server and logical shard up to date, servers side by side.

    tick: called from several threads with how many more logical shards of a server are done. only: which files run; the
    others wait for another time. Raises InstallationError.
    """
    require_placement()
    # Read here: the threads below have no Django connections of their own.
    placed = {server: [shard.number for shard in shards_on(server)] for server in all_servers()}
    stop = threading.Event()
    with ThreadPoolExecutor(len(placed)) as pool:
        runs = [pool.submit(_Run(server, numbers, tick, stop, only).outcome_of) for server, numbers in placed.items()]
        try:
            return [run.result() for run in runs]
        except BaseException:
            stop.set()
            raise


def plan_of(server: Server) -> dict[str, int]:
    """Return what a migration would run on a server: "room/file" -> in how many schemas. Raises psycopg2.Error."""
    plan: dict[str, int] = {}
    with direct(server) as link, link.cursor() as cursor:
        done = applied(cursor)
    for step in missing(done.get(LOCAL, {}), steps("local")):
        plan[f"{step} (schema local)"] = 1
    wanted = steps("logical")
    for shard in shards_on(server):
        for step in missing(done.get(shard.number, {}), wanted):
            plan[str(step)] = plan.get(str(step), 0) + 1
    return plan


def installation_fault(cursor: Any) -> str | None:
    """Return how the server's installation differs from the settings, None if it does not or is not there yet."""
    cursor.execute("SELECT to_regclass('local.installation')")
    if cursor.fetchone()[0] is None:
        return None
    cursor.execute("SELECT logical_shards, id_epoch_ms, id_max_ahead_ms FROM local.installation")
    made_with = cursor.fetchone()
    now = (settings.LOGICAL_SHARDS, settings.ID_EPOCH_MS, settings.ID_MAX_AHEAD_MS)
    for name, old, new in zip(("LOGICAL_SHARDS", "ID_EPOCH_MS", "ID_MAX_AHEAD_MS"), made_with or now, now, strict=True):
        if old != new:
            return f"installed with {name}={old}, the settings say {new}: it cannot change, set it back"
    return None


class _Run:
    """The migration of one server."""

    def __init__(
        self,
        server: Server,
        numbers: list[int],
        tick: Callable[[Server, int], None],
        stop: threading.Event,
        only: Callable[[Step], bool],
    ) -> None:
        self.outcome, self.only = Outcome(server), only
        self.server, self.numbers, self.tick, self.stop = server, numbers, tick, stop
        self.lock = threading.Lock()

    def outcome_of(self) -> Outcome:
        try:
            with direct(self.server) as link:
                self._local(link)
            if not self.outcome.failed:
                self._logical()
        except psycopg2.Error as error:
            self._fail(self.server.name, error)
        return self.outcome

    def _count(self, migrated: int) -> None:
        with self.lock:
            self.outcome.migrated += migrated

    def _fail(self, name: str, error: Exception, step: Step | None = None) -> None:
        sentence = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        self.outcome.failed[name] = f"{step}: {sentence}" if step else sentence

    def _local(self, link: Any) -> None:
        with link, link.cursor() as cursor:
            _lock(cursor, [LOCAL])
            cursor.execute(
                "CREATE SCHEMA IF NOT EXISTS local;"
                "CREATE TABLE IF NOT EXISTS local.schema_version ("
                " logical_shard smallint, room text, name text, checksum text NOT NULL,"
                " applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (logical_shard, room, name))"
            )
            if fault := installation_fault(cursor):
                self.outcome.failed[self.server.name] = fault
                return
        wanted = [step for step in steps("local") if self.only(step)]
        with link, link.cursor() as cursor:
            done = applied(cursor, [LOCAL]).get(LOCAL, {})
        self._report_changed({LOCAL: done}, wanted)
        if missing(done, wanted):
            self._one(link, LOCAL, wanted)

    def _logical(self) -> None:
        wanted = [step for step in steps("logical") if self.only(step)]
        with direct(self.server) as link, link, link.cursor() as cursor:
            done = applied(cursor)
        self._report_changed({number: done.get(number, {}) for number in self.numbers}, wanted)
        todo = [number for number in self.numbers if missing(done.get(number, {}), wanted)]
        self.tick(self.server, len(self.numbers) - len(todo))
        batches = deque(todo[start : start + BATCH] for start in range(0, len(todo), BATCH))
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for worker in [pool.submit(self._work, batches, wanted) for _ in range(min(CONNECTIONS, len(batches)))]:
                worker.result()

    def _work(self, batches: deque[list[int]], wanted: list[Step]) -> None:
        with direct(self.server) as link:
            while not self.stop.is_set():
                try:
                    batch = batches.popleft()
                except IndexError:
                    return
                self._batch(link, batch, wanted)
                self.tick(self.server, len(batch))

    def _report_changed(self, done: dict[int, Versions], wanted: list[Step]) -> None:
        for number, versions in done.items():
            for step in changed(versions, wanted):
                self.outcome.failed.setdefault(
                    str(step),
                    f"changed after it ran on {self.server.name} ({_schema(number)} and maybe others);"
                    " files are append-only: undo that and add a new one",
                )

    def _batch(self, link: Any, numbers: list[int], wanted: list[Step]) -> None:
        try:
            with link, link.cursor() as cursor:
                _lock(cursor, numbers)
                done = applied(cursor, numbers)
                todo = {number: missing(done.get(number, {}), wanted) for number in numbers}
                # Empty if another migration was here meanwhile, and psycopg2 refuses empty messages.
                if script := b"".join(_script(cursor, number, files) for number, files in todo.items()):
                    cursor.execute(script)
            self._count(len(numbers))
        except psycopg2.Error:
            if link.closed:
                raise
            # One of them is at fault, or busy: one by one, so that it alone is left out.
            for number in numbers:
                self._one(link, number, wanted)

    def _one(self, link: Any, number: int, wanted: list[Step]) -> None:
        name = self.server.name if number == LOCAL else _schema(number)
        for attempt in range(1, LOCK_ATTEMPTS + 1):
            step = None
            try:
                with link, link.cursor() as cursor:
                    _lock(cursor, [number])
                    for step in missing(applied(cursor, [number]).get(number, {}), wanted):
                        cursor.execute(_script(cursor, number, [step]))
            except errors.LockNotAvailable as error:
                if attempt == LOCK_ATTEMPTS:
                    self._fail(name, error, step)
                time.sleep(random.uniform(0.1, 1.0))
            except psycopg2.Error as error:
                if link.closed:
                    raise
                self._fail(name, error, step)
                return
            else:
                self._count(1)
                return


def _schema(number: int) -> str:
    return "local" if number == LOCAL else f"s{number:04d}"


def _lock(cursor: Any, numbers: list[int]) -> None:
    """Keep other migrations away from these schemas until the transaction ends; what ran is to be read after this."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s, number) FROM unnest(%s) AS number", [_LOCK_CLASS, sorted(numbers)])


def _script(cursor: Any, number: int, files: list[Step]) -> bytes:
    """Return one message that runs the files in their schema and records them."""
    if not files:
        return b""
    schema = _schema(number)
    text = "\n;\n".join(step.text for step in files)
    for token, value in {
        "schema": schema,
        "shard": number,
        "shards": settings.LOGICAL_SHARDS,
        "epoch_ms": settings.ID_EPOCH_MS,
        "max_ahead_ms": settings.ID_MAX_AHEAD_MS,
    }.items():
        text = text.replace("{{" + token + "}}", str(value))
    rows = sql.SQL(",").join(
        sql.SQL("({},{},{},{})").format(*map(sql.Literal, (number, step.room, step.name, step.checksum)))
        for step in files
    )
    record = sql.SQL(
        "\n;SET LOCAL search_path TO DEFAULT;"
        "INSERT INTO local.schema_version (logical_shard, room, name, checksum) VALUES {};\n"
    ).format(rows)
    # No arguments go with it, so that percent signs in the files stay what they are.
    return (
        f"CREATE SCHEMA IF NOT EXISTS {schema}; SET LOCAL search_path = {schema};\n{text}".encode()
        + record.as_string(cursor).encode()
    )


def _placed() -> int:
    try:
        with transaction.atomic():
            return Placement.objects.count()
    except ProgrammingError as error:
        raise InstallationError("Database main has no tables yet: run manage.py migrate first.") from error


def _require_same_count(placed: int) -> None:
    if placed != settings.LOGICAL_SHARDS:
        raise InstallationError(
            f"This installation has {placed} logical shards, for life; LOGICAL_SHARDS says {settings.LOGICAL_SHARDS}."
            " Set it back, or begin a new installation."
        )
