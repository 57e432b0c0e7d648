"""Making all logical shards: time, disk, and the memory of a server connection that has met them all."""

import argparse
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from bench.framework import Grid, Result, seconds
from bench.scratch import empty_databases, wipe
from sharding import checks, physical_servers, schema, server_named

#: Seconds that making so many may take.
BARS = {64: 5.0, 1024: 60.0}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare sizes."""
    parser.add_argument("--counts", type=int, nargs="+", default=[64, 1024, 2048], help="numbers of logical shards")


def run(options: argparse.Namespace) -> Result:
    """Make, run again, check, touch and drop each number of logical shards."""
    figures = {}
    with empty_databases():
        for count in options.counts:
            options.console.print(f"{count} logical shards", highlight=False)
            with override_settings(LOGICAL_SHARDS=count):
                figures[count] = _made()
                wipe()
    labels = {
        "tables": "tables per schema",
        "create_s": "create, s",
        "again_s": "migrate with nothing to do, s",
        "check_s": "check, s",
        "database_mb": "size of each server's database, MB",
        "kb_per_schema": "of which per schema, kB",
        "fresh_mb": "private memory of a new server connection, MB",
        "touched_mb": "after a query on every table of its schemas, MB",
        "first_touch_ms": "a schema's first touch, ms",
    }
    grid = Grid(
        "",
        ["", *(f"{count:,} logical shards" for count in figures)],
        [[label, *(figure[name] for figure in figures.values())] for name, label in labels.items()],
    )
    return Result(
        rows=[],
        grids=[grid],
        ratios={f"seconds_{count}": figure["create_s"] for count, figure in figures.items()},
        bars={f"seconds_{count}": bar for count, bar in BARS.items() if count in figures},
        how=[
            f"{len(settings.SHARD_SERVERS)} servers side by side, {schema.CONNECTIONS} connections to each; fsync on.",
            "Every room's tables; half of the logical shards are on each server.",
            "Memory: Private_Clean + Private_Dirty of one server process of shard_a, before and after queries.",
            "Queries: a SELECT by key on every table of the server's schemas. First touch: all tables of one schema.",
        ],
        figures={str(count): figure for count, figure in figures.items()},
    )


def _made() -> dict[str, float | int]:
    call_command("migrate", verbosity=0)
    empty = _database_bytes()
    outcomes: list[schema.Outcome] = []
    create_s = seconds(lambda: outcomes.extend(schema.create()))
    failed = {name: why for outcome in outcomes for name, why in outcome.failed.items()}
    assert not failed, failed
    again_s = seconds(schema.migrate)
    check_s = seconds(_assert_well)
    grown = _database_bytes() - empty
    return _touched() | {
        "create_s": create_s,
        "again_s": again_s,
        "check_s": check_s,
        "database_mb": _database_bytes() / len(settings.SHARD_SERVERS) / 1e6,
        "kb_per_schema": grown / settings.LOGICAL_SHARDS / 1e3,
    }


def _assert_well() -> None:
    faults = checks.faults()
    assert not faults, faults


def _database_bytes() -> int:
    total = 0
    for server in physical_servers():
        with schema.direct(server) as link, link.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            total += cursor.fetchone()[0]
    return total


def _touched() -> dict[str, float | int]:
    with schema.direct(server_named(settings.SHARD_SERVERS[0])) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute("SELECT 1")
            fresh = _private_bytes(link.get_backend_pid())
            tables = _keyed_tables(cursor)
            began = time.perf_counter()
            for space, keys in tables.items():
                # As the service asks: one statement each, planned anew, found by index.
                for table, column in keys:
                    cursor.execute(f'SELECT * FROM "{space}"."{table}" WHERE "{column}" = \'5\'')
            took = time.perf_counter() - began
            return {
                "tables": len(next(iter(tables.values()))),
                "fresh_mb": fresh / 1e6,
                "touched_mb": _private_bytes(link.get_backend_pid()) / 1e6,
                "first_touch_ms": took / len(tables) * 1e3,
            }


def _keyed_tables(cursor: Any) -> dict[str, list[tuple[str, str]]]:
    """Return {schema: [(table, first column of its primary key)]}."""
    cursor.execute(
        "SELECT nspname, relname, attname FROM pg_index JOIN pg_class ON pg_class.oid = indrelid"
        " JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]"
        " WHERE indisprimary AND nspname ~ '^s[0-9]{4}$' ORDER BY 1, 2"
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for space, table, column in cursor.fetchall():
        found.setdefault(space, []).append((table, column))
    return found


def _private_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except PermissionError as error:
        raise SystemExit("bench shards reads the memory of PostgreSQL's processes: run it as root.") from error
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))
