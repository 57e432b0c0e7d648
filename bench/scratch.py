"""The `_bench` databases of the local data centre: made for a benchmark, emptied after it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from psycopg2 import sql

from sharding import placement, schema


@contextmanager
def data_centre(*, shards: int = 64) -> Iterator[dict[str, str]]:
    """Give the service's empty tables on `shards` logical shards; drop everything on leaving, whatever happened.

    Yields the environment under which other programs (a worker, manage.py) see the same.
    One benchmark at a time has it; what a killed one left behind goes first.
    """
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "instagram.settings.bench", "LOGICAL_SHARDS": str(shards)}
    with _alone(), override_settings(LOGICAL_SHARDS=shards):
        wipe()
        try:
            call_command("migrate", verbosity=0)
            schema.create()
            yield environment
        finally:
            wipe()


@contextmanager
def empty_databases() -> Iterator[None]:
    """Give the `_bench` databases with nothing in them, for a benchmark that makes its own tables."""
    with _alone():
        wipe()
        try:
            yield
        finally:
            wipe()


def wipe() -> None:
    """Drop every schema of the `_bench` databases."""
    if not settings.DB_SUFFIX.endswith("_bench"):
        raise RuntimeError(f"wipe() is for benchmarks' databases, not for DB_SUFFIX={settings.DB_SUFFIX!r}")
    connections.close_all()
    placement.forget()
    for server in ["main", *settings.SHARD_SERVERS]:
        with schema.direct_connection(server) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1"
            )
            names = [name for (name,) in cursor.fetchall()]
            # One transaction each: a thousand schemas in one would need more locks than the server has.
            for name in names:
                cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
            cursor.execute("CREATE SCHEMA public")


@contextmanager
def _alone() -> Iterator[None]:
    path = Path(settings.STATE_DIR) / "bench.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
