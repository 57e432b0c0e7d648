"""Holds what the servers have against what placement, files, models and clocks say they should have."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2
from django.apps import apps
from django.db import connection, models
from psycopg2 import sql

from . import ids, schema
from .binding import table_of
from .models import ShardedModel
from .servers import Server, all_servers
from .shard import Shard, shards_on


@dataclass(frozen=True)
class Column:
    """What model and table must agree on."""

    name: str
    type: str
    nullable: bool


def sharded_models() -> list[type[ShardedModel]]:
    """Return the sharded models of all installed rooms."""
    rooms = {config.name for config in apps.get_app_configs()}
    found: list[type[ShardedModel]] = []
    stack = list(ShardedModel.__subclasses__())
    while stack:
        model = stack.pop()
        if "shard" not in vars(model):
            if model.__module__.split(".")[0] in rooms:
                found.append(model)
            stack.extend(model.__subclasses__())
    return sorted(found, key=table_of)


def faults() -> list[str]:
    """Return a sentence for each fault, schemas with the same one together; empty when all is well.

    Cost: a few queries per server, two per shard.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for server in all_servers():
        try:
            for where, sentence in _server_faults(server):
                found.setdefault((server.name, sentence), []).append(where)
        except psycopg2.OperationalError as error:
            found[server.name, f"unreachable: {str(error).strip().splitlines()[0]}"] = [""]
    return [
        ": ".join(part for part in (server_name, _together(names), sentence) if part)
        for (server_name, sentence), names in found.items()
    ]


def _together(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _server_faults(server: Server) -> Iterator[tuple[str, str]]:
    """Yield (schema or "", sentence)."""
    placed = {shard.number: shard for shard in shards_on(server)}
    with schema.direct(server) as link, link.cursor() as cursor:
        if fault := schema.installation_fault(cursor):
            yield "", fault
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^s[0-9]{4}$'")
        present = {int(name[1:]) for (name,) in cursor.fetchall()}
        for number in sorted(placed.keys() - present):
            yield f"s{number:04d}", "placed here but missing; run manage.py shards migrate"
        for number in sorted(present - placed.keys()):
            yield f"s{number:04d}", "here but placed elsewhere"
        here = [placed[number] for number in sorted(placed.keys() & present)]
        yield from _version_faults(cursor, here)
        columns, guards = _columns(cursor), _guards(cursor)
        wanted = {table_of(model): _model_columns(model) for model in sharded_models()}
        for shard in here:
            for sentence in _table_faults(shard, wanted, columns.get(shard.schema, {}), guards):
                yield shard.schema, sentence
            for sentence in _clock_faults(cursor, shard):
                yield shard.schema, sentence


def _version_faults(cursor: Any, here: Iterable[Shard]) -> Iterator[tuple[str, str]]:
    done = schema.applied(cursor)
    for number, kind in [(schema.LOCAL, "local")] + [(shard.number, "logical") for shard in here]:
        name = "local" if number == schema.LOCAL else f"s{number:04d}"
        versions, wanted = done.get(number, {}), schema.steps(kind)
        for step in schema.missing(versions, wanted):
            yield name, f"lacks {step}; run manage.py shards migrate"
        for step in schema.changed(versions, wanted):
            yield name, f"ran another text of {step} than the file has"


def _columns(cursor: Any) -> dict[str, dict[str, set[Column]]]:
    """Return {schema: {table: columns}}."""
    cursor.execute(
        "SELECT nspname, relname, attname, format_type(atttypid, atttypmod), NOT attnotnull FROM pg_attribute"
        " JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE nspname ~ '^s[0-9]{4}$' AND relkind = 'r' AND attnum > 0 AND NOT attisdropped"
    )
    found: dict[str, dict[str, set[Column]]] = {}
    for space, table, name, kind, nullable in cursor.fetchall():
        found.setdefault(space, {}).setdefault(table, set()).add(Column(name, _kind(kind), nullable))
    return found


def _guards(cursor: Any) -> dict[tuple[str, str], str]:
    """Return {(schema, table): definition} of the validated checks on shard keys."""
    cursor.execute(
        "SELECT nspname, relname, pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint"
        " JOIN pg_class ON pg_class.oid = conrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE contype = 'c' AND convalidated AND conname = relname || '_shard_key'"
    )
    return {(space, table): definition for space, table, definition in cursor.fetchall()}


def _table_faults(
    shard: Shard,
    wanted: dict[str, set[Column]],
    tables: dict[str, set[Column]],
    guards: dict[tuple[str, str], str],
) -> Iterator[str]:
    for table, columns in wanted.items():
        if table not in tables:
            yield f"no table {table}"
        elif different := tables[table] ^ columns:
            names = ", ".join(sorted({column.name for column in different}))
            yield f"{table} differs from the model in {names}"
    for table in sorted(tables):
        guard = guards.get((shard.schema, table))
        if guard is None:
            yield f"{table} has no check {table}_shard_key that its rows belong here"
        elif f"= {shard.number})" not in guard:
            yield f"{table}_shard_key lets another shard's rows in: {guard}"


def _model_columns(model: type[models.Model]) -> set[Column]:
    return {
        Column(str(field.column), _kind(field.db_type(connection) or ""), field.null)
        for field in model._meta.fields
        if field.column  # a composite primary key has none of its own
    }


def _kind(type_name: str) -> str:
    """Return the type without its length: a model may bound a text that the table does not."""
    name = type_name.partition("(")[0]
    return "text" if name in {"varchar", "character varying"} else name


def _clock_faults(cursor: Any, shard: Shard) -> Iterator[str]:
    cursor.execute("SELECT to_regclass(%s)", [f"{shard.schema}.clock"])
    if cursor.fetchone()[0] is None:
        return  # said above: the file that makes it has not run
    largest = ids.largest_id(cursor, shard.schema)
    cursor.execute(sql.SQL("SELECT last_value FROM {}").format(sql.Identifier(shard.schema, "clock")))
    (tick,) = cursor.fetchone()
    if not largest:  # 0: the version of an edge that was locked before it ever was anything
        return
    if ids.logical_shard_of(largest) != shard.number:
        yield f"the largest id {largest} was made by logical shard {ids.logical_shard_of(largest)}"
    elif tick < ids.tick_of(largest):
        yield f"its clock is behind its largest id {largest}; manage.py shards push-clocks mends it"
