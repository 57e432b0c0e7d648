"""Holds what the servers have against what placement, rooms and clocks say they should have."""

from typing import Any

from django.apps import apps
from psycopg2 import sql

from . import schema
from .binding import table_of
from .models import ShardedModel
from .servers import Server, all_servers
from .shard import Shard, shards_on


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
    """Return a sentence for each fault; empty when all is well. Cost: a few queries per server and one per shard."""
    return [fault for server in all_servers() for fault in _server_faults(server)]


def _server_faults(server: Server) -> list[str]:
    placed = {shard.number: shard for shard in shards_on(server)}
    with schema.direct(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^s[0-9]{4}$'")
        present = {int(name[1:]) for (name,) in cursor.fetchall()}
        found = [
            f"{server.name}: s{number:04d} is placed here but missing" for number in sorted(placed.keys() - present)
        ]
        found += [
            f"{server.name}: s{number:04d} is here but placed elsewhere" for number in sorted(present - placed.keys())
        ]
        found += _version_faults(cursor, server, placed)
        columns, guarded = _columns(cursor), _guarded(cursor)
        for number in sorted(placed.keys() & present):
            found += _shard_faults(cursor, placed[number], columns, guarded)
    return found


def _version_faults(cursor: Any, server: Server, placed: dict[int, Shard]) -> list[str]:
    done = schema.applied(cursor)
    found = []
    for number, wanted in [(schema.LOCAL, schema.steps("local"))] + [(n, schema.steps("logical")) for n in placed]:
        name = "local" if number == schema.LOCAL else f"s{number:04d}"
        have = done.get(number, {})
        for step in wanted:
            checksum = have.get((step.room, step.name))
            if checksum is None:
                found.append(f"{server.name}: {name} lacks {step.room}/{step.name}: run manage.py shards migrate")
            elif checksum != step.checksum:
                found.append(f"{server.name}: {name} has another {step.room}/{step.name} than the file says")
    return found


def _columns(cursor: Any) -> dict[tuple[str, str], set[str]]:
    cursor.execute(
        "SELECT nspname, relname, array_agg(attname::text) FROM pg_attribute"
        " JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE nspname ~ '^s[0-9]{4}$' AND relkind = 'r' AND attnum > 0 AND NOT attisdropped GROUP BY 1, 2"
    )
    return {(space, table): set(names) for space, table, names in cursor.fetchall()}


def _guarded(cursor: Any) -> set[tuple[str, str]]:
    cursor.execute(
        "SELECT nspname, relname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
        " JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE contype = 'c'"
        " AND conname = relname || '_shard_key'"
    )
    return set(cursor.fetchall())


def _shard_faults(
    cursor: Any, shard: Shard, columns: dict[tuple[str, str], set[str]], guarded: set[tuple[str, str]]
) -> list[str]:
    found = []
    largest = 0
    for model in sharded_models():
        table = table_of(model)
        have = columns.get((shard.schema, table))
        if have is None:
            found.append(f"{shard.schema}: no table {table}")
            continue
        wanted = {field.column for field in shard.model(model)._meta.concrete_fields}
        if have != wanted:
            found.append(f"{shard.schema}.{table}: columns differ from the model's: {sorted(have ^ wanted)}")
        if (shard.schema, table) not in guarded:
            found.append(f"{shard.schema}.{table}: no check that its shard key belongs here")
        if "id" in have:
            cursor.execute(sql.SQL("SELECT coalesce(max(id), 0) FROM {}").format(shard.table(table)))
            largest = max(largest, cursor.fetchone()[0])
    cursor.execute(sql.SQL("SELECT last_value FROM {}").format(shard.table("clock")))
    (tick,) = cursor.fetchone()
    if tick < (largest >> 23) << 10 | largest & 1023:
        found.append(f"{shard.schema}: its clock is behind its largest id {largest}: local.push_clock() mends it")
    return found
