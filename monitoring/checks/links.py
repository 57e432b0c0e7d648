"""Connections to PostgreSQL of the checks' own, asynchronous: a frozen server costs HEALTH_TIMEOUT_S and no more.

Those of requests wait as long as a page may wait (seconds).
"""

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
import psycopg2.extensions
import psycopg2.sql
from django.conf import settings

_LOGIN = ("HOST", "PORT", "NAME", "USER", "PASSWORD")
#: Connections that wait for the next check, by what they were made with; each is used by one check at a time. A log-in
#: through PgBouncer costs both sides some 3 ms of CPU, and every load balancer asks every process each second.
_kept: dict[tuple[str, ...], list[psycopg2.extensions.connection]] = {}


def ask(alias: str, query: str, *, database: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of a query to a server, by column, over a connection of its own; raises like a check.

    database: another one than the service's, such as PgBouncer's own "pgbouncer".
    """
    with postgres(alias, database) as connection:
        cursor = connection.cursor()
        cursor.execute(query)
        wait_for_answer(connection, time.monotonic() + settings.HEALTH_TIMEOUT_S)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def postgres(alias: str, name: str | None = None) -> Iterator[psycopg2.extensions.connection]:
    database = settings.DATABASES[alias]
    facts = tuple(str((database | {"NAME": name or database["NAME"]})[key]) for key in _LOGIN)
    kept = _kept.setdefault(facts, [])
    connection = _still_open(kept) or _new_connection(*facts)
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    kept.append(connection)


def _still_open(kept: list[psycopg2.extensions.connection]) -> psycopg2.extensions.connection | None:
    """Take a connection whose other end has not hung up, as after a restart of PgBouncer."""
    with suppress(IndexError):  # none, or another check took the last
        while connection := kept.pop():
            # Nobody asked anything: what can be read is the end.
            if not connection.closed and not select.select([connection.fileno()], [], [], 0)[0]:
                return connection
            connection.close()
    return None


def _new_connection(host: str, port: str, name: str, user: str, password: str) -> psycopg2.extensions.connection:
    # Asynchronous: a blocking call of psycopg2 has no time-out of its own, and libpq's connect_timeout starts at 2 s.
    connection = psycopg2.connect(host=host, port=port, dbname=name, user=user, password=password, async_=1)
    try:
        wait_for_answer(connection, time.monotonic() + settings.HEALTH_TIMEOUT_S)
    except BaseException:
        connection.close()
        raise
    return connection


def rows(connection: psycopg2.extensions.connection, query: str | psycopg2.sql.Composable) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    cursor.execute(query)
    wait_for_answer(connection, time.monotonic() + settings.HEALTH_TIMEOUT_S)
    return cursor.fetchall()


def wait_for_answer(connection: psycopg2.extensions.connection, until: float) -> None:
    poller = {psycopg2.extensions.POLL_READ: select.POLLIN, psycopg2.extensions.POLL_WRITE: select.POLLOUT}
    while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
        poll = select.poll()
        poll.register(connection.fileno(), poller[state])
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise TimeoutError
