"""Rows and a checksum of every table of a server, at a moment that a restore can be stopped at exactly.

A snapshot and a restore point in the WAL are two things: a transaction may commit between them. So both are taken until
nothing was: no transaction with an id ended between the snapshot and a look after the restore point, and none was open
then. On a server where that does not happen within EXACT_S, the census says so and a drill judges it loosely.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from psycopg2 import sql

from .servers import superuser

#: Seconds that a quiet moment is waited for.
EXACT_S = 10.0
#: Share of a table's rows by which a loose comparison may be off, and rows that always may.
LOOSE, LOOSE_ROWS = 0.01, 100

#: table -> (rows, checksum).
Tables = dict[str, tuple[int, str]]

_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY 1, 2
"""


@dataclass
class Census:
    """What a server held. point: the restore point's name; at: when; exact: no transaction ended beside it."""

    point: str
    at: datetime
    exact: bool
    tables: Tables = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Return the rows of all tables."""
        return sum(rows for rows, _ in self.tables.values())


def take(server: str, *, point: str) -> Census:
    """Set a restore point and count what is before it. Cost: every table is read once, under one snapshot.

    The snapshot keeps VACUUM from what died meanwhile, for as long as the counting takes.
    """
    deadline, attempt = time.monotonic() + EXACT_S, 0
    while True:
        attempt += 1
        name = f"{point}-{attempt}"
        late = time.monotonic() > deadline
        with (
            superuser(server) as reader,
            superuser(server) as watcher,
            _snapshot(reader, watcher, name) as (at, exact),
        ):
            if exact or late:
                with reader.cursor() as cursor:
                    return Census(name, at, exact, count(cursor))
        time.sleep(0.005)


@contextmanager
def _snapshot(reader: Any, watcher: Any, point: str) -> Iterator[tuple[datetime, bool]]:
    with reader.cursor() as mine, watcher.cursor() as other:
        mine.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        mine.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())")
        before = mine.fetchone()[0]
        other.execute("SELECT clock_timestamp(), pg_create_restore_point(%s)", [point])
        at = other.fetchone()[0].astimezone(UTC)
        # First who is open (a lock is held until the end is visible), then who has ended.
        other.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock'")
        open_ones = other.fetchone()[0]
        other.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())")
        after = other.fetchone()[0]
        yield at, open_ones == 0 and before == after
        mine.execute("ROLLBACK")


def count(cursor: Any) -> Tables:
    """Return rows and checksum of every table of the database. The order of rows does not matter."""
    cursor.execute(_TABLES)
    found: Tables = {}
    for schema, table in cursor.fetchall():
        query = "SELECT count(*), coalesce(sum(hashtextextended(each::text, 0)), 0)::text FROM {} AS each"
        cursor.execute(sql.SQL(query).format(sql.Identifier(schema, table)))
        rows, checksum = cursor.fetchone()
        found[f"{schema}.{table}"] = (rows, checksum)
    return found


def differences(was: Census, now: Tables) -> list[str]:
    """Return a sentence for each table that is not what it was."""
    said = [f"{table} was not there" for table in now.keys() - was.tables.keys()]
    for table, (rows, checksum) in was.tables.items():
        if table not in now:
            said.append(f"{table} is missing ({rows} rows)")
        elif rows != now[table][0] and (was.exact or abs(rows - now[table][0]) > max(LOOSE_ROWS, rows * LOOSE)):
            said.append(f"{table} has {now[table][0]} rows instead of {rows}")
        elif was.exact and checksum != now[table][1]:
            said.append(f"{table} has its {rows} rows, but their checksum differs")
    return sorted(said)
