"""Connections to the servers themselves, as superuser; and marks: moments that the archive is known to reach."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg2
from django.conf import settings
from django.db import DatabaseError

from instagram import topology
from instagram.topology import Node
from recovery.models import Archived
from sharding import ShardUnavailable

from .errors import Failed, Refused

#: Seconds that a mark's WAL may take into the archive.
ARCHIVE_S = 60.0

log = logging.getLogger(__name__)

T = TypeVar("T")


def names(chosen: list[str] | None = None) -> list[str]:
    """Return the servers of this host, or those chosen among them. Raises Refused."""
    known: list[str] = settings.BACKUP_SERVERS
    for name in [*known, *(chosen or [])]:
        if name not in settings.POSTGRES_PORTS:
            raise Refused(f"there is no server {name}; there are {', '.join(settings.POSTGRES_PORTS)}.")
    if unknown := [name for name in chosen or [] if name not in known]:
        raise Refused(f"{unknown[0]} is none of this host's servers ({', '.join(known)}).")
    return [name for name in known if not chosen or name in chosen]


def primaries(chosen: list[str] | None = None) -> list[str]:
    """Return those of names() whose primary is on this host: a replica is not backed up, nor taken back by itself."""
    return [name for name in names(chosen) if _is_here(topology.primary(name).host)]


def own_node(server: str) -> Node:
    """Return the node of a server that is on this host: its primary if that is here, as all are on one machine."""
    primary = topology.primary(server)
    return next((node for node in [primary, *topology.nodes(server)] if _is_here(node.host)), primary)


def _is_here(host: str) -> bool:
    """Return whether an address is one of this machine: no other can be bound."""
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def each(do: Callable[[str], T], servers: list[str]) -> dict[str, T]:
    """Do something to servers side by side; return what came of it by name. Raises what the first of them raised."""
    with ThreadPoolExecutor(len(servers)) as pool:
        return dict(zip(servers, pool.map(do, servers), strict=True))


def data_directory(server: str) -> Path:
    """Return where a server's data is: that of the node that is its primary now."""
    where = settings.BACKUP_PG_DATA.format(server=server, node=topology.primary(server).name)
    return Path(where).resolve()


@contextmanager
def superuser(server: str, *, port: int | None = None, database: str | None = None) -> Iterator[Any]:
    """Open a connection to a server as its superuser, in autocommit. port: of a copy of it. Raises Failed."""
    try:
        connection = psycopg2.connect(
            host=topology.primary(server).host if port is None else "127.0.0.1",
            port=port or topology.primary(server).port,
            dbname=database or server + settings.DB_SUFFIX,
            user="postgres",
            password=settings.DB_SUPERUSER_PASSWORD,
            connect_timeout=5,
            application_name="backup",
        )
    except psycopg2.OperationalError as error:
        raise Failed(f"{server} does not answer: {(str(error).strip().splitlines() or ['no reason'])[0]}") from error
    with closing(connection):
        connection.autocommit = True
        yield connection


def mark(servers: list[str]) -> datetime:
    """Have everything up to now archived on these servers; return the moment that all of them can be restored to.

    Commits an empty transaction, without which a recovery does not know that it has passed a moment, and begins a new
    file of WAL, so that the last one goes out. Cost: a 16 MB file, mostly zeros, some kB in the archive. Main is told;
    while it is away it is not, and shards are archived all the same. Raises Failed.
    """
    moments = each(_mark, servers)
    try:
        for server, moment in moments.items():
            Archived.objects.update_or_create(server=server, defaults={"at": moment})
    except (DatabaseError, ShardUnavailable) as error:
        log.warning("main does not know that %s can be restored: %s", ", ".join(moments), error)
    return min(moments.values())


def _mark(server: str) -> datetime:
    with superuser(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0].astimezone(UTC)
        # Its commit comes after the moment: that is what recovery looks for.
        cursor.execute("SELECT pg_current_xact_id()")
        cursor.execute("SELECT pg_walfile_name(pg_switch_wal()), failed_count FROM pg_stat_archiver")
        wanted, failures = cursor.fetchone()
        deadline = time.monotonic() + ARCHIVE_S
        while True:
            cursor.execute("SELECT coalesce(last_archived_wal, ''), failed_count FROM pg_stat_archiver")
            archived, failed = cursor.fetchone()
            # Names of files grow; the first eight digits are the timeline, a history file's all it has.
            if len(archived) >= 24 and archived[:24] >= wanted:
                return moment
            if time.monotonic() > deadline or failed > failures + 2:
                raise Failed(f"{server}: its WAL does not reach the archive; PostgreSQL's log says why")
            time.sleep(0.1)


def restorable_to(servers: list[str]) -> datetime | None:
    """Return the moment until which all these servers can be restored, as far as main knows. None: it does not."""
    try:
        known = dict(Archived.objects.filter(server__in=servers).values_list("server", "at"))
    except (DatabaseError, ShardUnavailable):
        return None  # main may be what is to be restored
    return min(known.values()) if len(known) == len(servers) else None
