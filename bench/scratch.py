"""The `_bench` databases of the local data centre: made for a benchmark, emptied after it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from sharding import all_servers, schema
from sharding.testing import drop_everything


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
            failed = {name: why for outcome in schema.create() for name, why in outcome.failed.items()}
            if failed:
                raise RuntimeError(f"the scratch shards could not be made: {failed}")
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


def analyze() -> None:
    """Have every server look at its tables: straight, for 1,024 schemas take long."""
    for server in all_servers():
        with schema.direct(server) as link:
            link.autocommit = True
            with link.cursor() as cursor:
                cursor.execute("ANALYZE")


def wipe() -> None:
    """Drop every schema of the `_bench` databases."""
    drop_everything()


@contextmanager
def _alone() -> Iterator[None]:
    path = Path(settings.STATE_DIR) / "bench.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
