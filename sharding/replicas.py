"""Reads that may be a moment old, from a server's replica where it has one and that is near enough.

One asks for it in so many words: `rows(server, query, values)`. Nothing else reads a replica, above all nothing that
decides who may see what. A replica that is away, or behind by more than REPLICA_MAX_LAG_S, is not used.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import Error, connections
from psycopg2 import errors, sql

from .deadlines import deadline, seconds_left
from .errors import ShardUnavailable
from .servers import Server

if TYPE_CHECKING:
    from .backend.base import DatabaseWrapper

log = logging.getLogger(__name__)

#: Seconds for which what was found of a lag holds, in this process.
KEPT_S = 1.0
#: Seconds that finding out may take of whoever's turn it is: a frozen replica is met here, and then rests.
LOOK_UP_S = 0.25
#: Positions of the primary remembered, to tell by the clock here when it was where the replica is now.
REMEMBERED = 120

_REPLICA = (
    "SELECT pg_is_in_recovery(), (coalesce(pg_last_wal_replay_lsn(), '0/0') - '0/0'::pg_lsn)::bigint,"
    " extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float"
)
_PRIMARY = "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint"


@dataclass(frozen=True)
class Lag:
    """How far a replica is behind its primary. bytes: of write-ahead log, None while the primary does not answer."""

    seconds: float
    bytes: int | None


@dataclass
class _Known:
    """What this process knows of one replica."""

    lag: Lag | None = None
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    #: (when, position of the primary), oldest first.
    seen: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))


_known: dict[str, _Known] = {}
_links = threading.local()


def rows(server: Server, query: str | sql.Composable, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run one read and return its rows, which may be REPLICA_MAX_LAG_S old. Raises ShardUnavailable.

    Cost: as on the primary; once a second and process two small queries more.
    """
    if is_near(server):
        try:
            # Half of the time: a replica that freezes now must not cost the page the primary's answer.
            with deadline(seconds_left(settings.DB_ANSWER_TIMEOUT_S) / 2), _link(server).cursor() as cursor:
                cursor.execute(query, values)
                found: list[tuple[Any, ...]] = cursor.fetchall()
                return found
        except Error as error:
            if isinstance(error.__cause__, errors.ReadOnlySqlTransaction):
                raise
            _known[server.name].lag = None  # until somebody looks again
            log.info("the primary of %s reads what its replica could not: %s", server.name, error)
    with server.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def has_replica(server: Server) -> bool:
    """Return whether the installation has a replica of this server to read from."""
    return server.name in settings.REPLICA_READS


def is_near(server: Server) -> bool:
    """Return whether the replica is there and near enough to be read. Cost: a look-up once in KEPT_S and process."""
    if not has_replica(server):
        return False
    known = _known.setdefault(server.name, _Known())
    # One finds out; whoever comes meanwhile goes by what was known before.
    if time.monotonic() >= known.until and known.lock.acquire(blocking=False):
        try:
            known.lag = lag_of(server)
        except ShardUnavailable:
            known.lag = None
        finally:
            known.until = time.monotonic() + KEPT_S
            known.lock.release()
    return known.lag is not None and known.lag.seconds <= settings.REPLICA_MAX_LAG_S


def lag_of(server: Server) -> Lag:
    """Ask primary and replica now. Raises ShardUnavailable when the replica does not answer, or follows nobody.

    Seconds are counted from when the primary was last seen where the replica is, by this process; at first by the age
    of the newest transaction that the replica has, which is too much on a server where little happens. A primary that
    does not answer has nothing newer to offer: no seconds.
    """
    position = _position(server)
    with deadline(LOOK_UP_S), _link(server).cursor() as cursor:
        cursor.execute(_REPLICA)
        follows, replayed, age_s = cursor.fetchone()
    if not follows:
        raise ShardUnavailable(f"{server.name}_replica")
    if position is None:
        return Lag(0.0, None)
    known = _known.setdefault(server.name, _Known())
    now = time.monotonic()
    if replayed >= position:
        known.seen.clear()
    known.seen.append((now, position))
    if replayed >= position:
        return Lag(0.0, 0)
    seen = list(known.seen)
    behind_since = min(when for when, at in seen if at > replayed)
    # Where the replica is now, the primary was before all that is remembered: then the transaction's age must do.
    whole = any(at <= replayed for _, at in seen)
    seconds = now - behind_since if whole else max(now - behind_since, age_s or 0.0)
    return Lag(round(seconds, 2), position - replayed)


def close() -> None:
    """Close this thread's connections; for threads that end."""
    for link in vars(_links).get("by_name", {}).values():
        link.close()


def _position(server: Server) -> int | None:
    try:
        # A connection of its own: the request's may be in a transaction.
        with deadline(LOOK_UP_S), _link(server, primary=True).cursor() as cursor:
            cursor.execute(_PRIMARY)
            return int(cursor.fetchone()[0])
    except Error:
        return None


def _link(server: Server, *, primary: bool = False) -> "DatabaseWrapper":
    """Return this thread's connection. Not one of Django's aliases: no queryset can stray to a replica."""
    from .backend.base import DatabaseWrapper  # noqa: PLC0415  # which imports sharding

    by_name: dict[str, DatabaseWrapper] = vars(_links).setdefault("by_name", {})
    name = server.alias if primary else f"{server.name}_replica"
    if name not in by_name:
        facts = connections[server.alias].settings_dict
        if not primary:
            facts = facts | {"NAME": f"{name}{settings.DB_SUFFIX}"}
        by_name[name] = DatabaseWrapper(facts, alias=name)
    by_name[name].close_if_unusable_or_obsolete()
    return by_name[name]


def _after_fork() -> None:
    _known.clear()
    vars(_links).clear()


# A child must not share its parent's sockets.
os.register_at_fork(after_in_child=_after_fork)
