"""What the service stands on, asked one by one: each check has its own short-lived connection and its own clock.

Nothing here uses the connections of requests: those wait as long as a page may wait (seconds), a health check
must answer within about HEALTH_TIMEOUT_S even when a server is frozen in the middle of an answer.
"""

import errno
import resource
import select
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import botocore.exceptions
import psycopg2
import psycopg2.extensions
import psycopg2.sql
import redis
import redis.backoff
import redis.retry
from django.conf import settings
from pymemcache.client.base import Client as MemcachedClient

from instagram import topology
from monitoring.canary import alert_text, last_results
from notifications.push import apns
from photos.storage.store import new_client
from recovery.models import Archived, Backup, Drill
from sharding import Server, ShardUnavailable, replicas, server_named
from sharding.deadlines import deadline
from sharding.models import Placement

#: What a check may take beyond HEALTH_TIMEOUT_S before it is given up from outside: its own clock is the better judge.
GRACE_S = 0.15


class Unwell(Exception):
    """A dependency answered, but not as it should; the sentence is fit for a stranger's eyes."""


@dataclass(frozen=True)
class Check:
    """One thing to ask: `run` returns facts worth showing, or raises."""

    name: str
    kind: str
    run: Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Result:
    """What one check found."""

    name: str
    kind: str
    ok: bool
    milliseconds: float
    #: In plain words; None when well.
    error: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def run_all(checks: list[Check]) -> list[Result]:
    """Run the checks side by side, in their order, in at most HEALTH_TIMEOUT_S and a little.

    A check that does not come back in time is reported as such and left to end by its own time-out.
    """
    if not checks:
        return []
    pool = ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix="health")
    try:
        pending: list[tuple[Check, Future[Result]]] = [(check, pool.submit(_run, check)) for check in checks]
        wait([future for _, future in pending], timeout=settings.HEALTH_TIMEOUT_S + GRACE_S)
        return [future.result() if future.done() else _late(check) for check, future in pending]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def process_checks() -> list[Check]:
    """What a process can know of itself: that it can still start threads and open files."""
    return [Check("process", "process", _process)]


def database_checks() -> list[Check]:
    """The main database, then each physical shard, through PgBouncer like every query of the service."""
    return [Check(_server_name(alias), "postgresql", _database(alias)) for alias in settings.DATABASES]


def replica_checks() -> list[Check]:
    """The replica of each server that has one: whether it follows, and how far behind it is."""
    servers = [server_named(alias) for alias in settings.DATABASES]
    return [
        Check(f"replica of {server.name}", "replica", _replica(server))
        for server in servers
        if replicas.has_replica(server)
    ]


def all_checks() -> list[Check]:
    """Everything: databases, photo map, cache, jobs, object store, push, disk."""
    return [
        *process_checks(),
        *database_checks(),
        *replica_checks(),
        *(Check(f"jobs of {_server_name(alias)}", "outbox", _outbox(alias)) for alias in settings.DATABASES),
        *(Check(f"redis {server}", "redis", _redis(server)) for server in settings.PHOTO_MAP_SERVERS),
        *(Check(f"memcached {server}", "memcached", _memcached(server)) for server in settings.MEMCACHED_SERVERS),
        *(Check(f"gearmand {server}", "gearmand", _gearmand(server)) for server in settings.GEARMAND_SERVERS),
        Check("object store", "s3", _object_store),
        *([Check("push", "apns", _push)] if apns.is_configured() else []),
        Check("disk", "disk", _disk),
        *([Check("canary", "canary", _canary)] if last_results() is not None else []),
        Check("backups", "backup", _backups),
    ]


def logical_shards_by_server() -> dict[str, int]:
    """Return how many logical shards each physical server holds, as main has it now; raises like a check."""
    with _postgres("default") as connection:
        query = psycopg2.sql.SQL("SELECT server, count(*) FROM {} GROUP BY server")
        return dict(_rows(connection, query.format(psycopg2.sql.Identifier(Placement._meta.db_table))))


def ask(alias: str, query: str, *, database: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of a query to a server, by column, over a connection of its own; raises like a check.

    database: another one than the service's, such as PgBouncer's own "pgbouncer".
    """
    with _postgres(alias, database) as connection:
        cursor = connection.cursor()
        cursor.execute(query)
        _wait(connection, time.monotonic() + settings.HEALTH_TIMEOUT_S)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _run(check: Check) -> Result:
    started = time.monotonic()
    try:
        facts, error = check.run(), None
    except Exception as caught:  # a check that breaks is a dependency that is not known to be well
        facts, error = {}, in_plain_words(caught)
    return Result(check.name, check.kind, error is None, _milliseconds_since(started), error, facts)


def _late(check: Check) -> Result:
    return Result(check.name, check.kind, False, settings.HEALTH_TIMEOUT_S * 1000, _no_answer())


def _milliseconds_since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)


def _no_answer() -> str:
    return f"no answer in {settings.HEALTH_TIMEOUT_S:g} s"


_TIMEOUTS = (
    TimeoutError,
    redis.TimeoutError,
    botocore.exceptions.ConnectTimeoutError,
    botocore.exceptions.ReadTimeoutError,
)
_REFUSALS = (ConnectionRefusedError, botocore.exceptions.EndpointConnectionError)


def in_plain_words(error: BaseException) -> str:
    """Say what went wrong without addresses, names, passwords or traces: the page may be public."""
    text = str(error).lower()
    explanations = (
        (isinstance(error, Unwell), str(error)),
        (isinstance(error, _TIMEOUTS), _no_answer()),
        (isinstance(error, _REFUSALS) or "connection refused" in text, "connection refused"),
        (isinstance(error, redis.BusyLoadingError), "still loading its data"),
        ("authentication" in text or "password" in text, "refused our credentials"),
        (isinstance(error, psycopg2.OperationalError | redis.ConnectionError | OSError), "the connection was closed"),
        (isinstance(error, EOFError), "the connection was closed"),
        (isinstance(error, psycopg2.Error), "answered with an error"),
    )
    return next((words for applies, words in explanations if applies), f"failed ({type(error).__name__})")


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def _server_name(alias: str) -> str:
    return "main" if alias == "default" else alias


def _database(alias: str) -> Callable[[], dict[str, Any]]:
    def check() -> dict[str, Any]:
        with _postgres(alias) as connection:
            ((recovering,),) = _rows(connection, "SELECT pg_is_in_recovery()")
        if recovering:
            raise Unwell("is a standby: writes are not possible")
        return {}

    return check


def _replica(server: Server) -> Callable[[], dict[str, Any]]:
    def check() -> dict[str, Any]:
        try:
            with deadline(settings.HEALTH_TIMEOUT_S):
                lag = replicas.lag_of(server)
        except ShardUnavailable as error:
            raise Unwell("does not answer, or follows nobody") from error
        finally:
            replicas.close()  # this thread's, which ends now
        if lag.seconds > settings.REPLICA_ALERT_LAG_S:
            raise Unwell(f"is {lag.seconds:.0f} s behind")
        return {"lag_s": lag.seconds, "lag_bytes": lag.bytes}

    return check


def _outbox(alias: str) -> Callable[[], dict[str, Any]]:
    """See whether jobs are picked up: when workers or relays are gone, rows outlive their leases."""

    def check() -> dict[str, Any]:
        with _postgres(alias) as connection:
            query = "SELECT count(*), extract(epoch FROM clock_timestamp() - min(run_after))::float FROM local.outbox"
            ((waiting, late_s),) = _rows(connection, query)
        if (late_s or 0) > settings.HEALTH_JOBS_LATE_S:
            raise Unwell(f"{waiting} jobs wait, the oldest is {late_s:.0f} s late")
        return {"waiting": waiting}

    return check


_LOGIN = ("HOST", "PORT", "NAME", "USER", "PASSWORD")
#: Connections that wait for the next check, by what they were made with; each is used by one check at a time. A log-in
#: through PgBouncer costs both sides some 3 ms of CPU, and every load balancer asks every process each second.
_kept: dict[tuple[str, ...], list[psycopg2.extensions.connection]] = {}


@contextmanager
def _postgres(alias: str, name: str | None = None) -> Iterator[psycopg2.extensions.connection]:
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
        _wait(connection, time.monotonic() + settings.HEALTH_TIMEOUT_S)
    except BaseException:
        connection.close()
        raise
    return connection


def _rows(connection: psycopg2.extensions.connection, query: str | psycopg2.sql.Composable) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    cursor.execute(query)
    _wait(connection, time.monotonic() + settings.HEALTH_TIMEOUT_S)
    return cursor.fetchall()


def _wait(connection: psycopg2.extensions.connection, until: float) -> None:
    poller = {psycopg2.extensions.POLL_READ: select.POLLIN, psycopg2.extensions.POLL_WRITE: select.POLLOUT}
    while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
        poll = select.poll()
        poll.register(connection.fileno(), poller[state])
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise TimeoutError


# --- Redis, memcached, gearmand --------------------------------------------------------------------------------------


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host, int(port)


def _redis(server: str) -> Callable[[], dict[str, Any]]:
    def check() -> dict[str, Any]:
        host, port = _address(topology.primary_address(server))
        timeout = settings.HEALTH_TIMEOUT_S
        no_retry = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
        with closing(
            redis.Redis(host=host, port=port, socket_timeout=timeout, socket_connect_timeout=timeout, retry=no_retry)
        ) as client:
            # A write would need a key of ours in the map's own space; the role says as much.
            role = client.role()[0]
        if role not in (b"master", "master"):
            raise Unwell("is a replica: writes are not possible")
        return {}

    return check


def _memcached(server: str) -> Callable[[], dict[str, Any]]:
    def check() -> dict[str, Any]:
        timeout = settings.HEALTH_TIMEOUT_S
        with closing(MemcachedClient(_address(server), connect_timeout=timeout, timeout=timeout)) as client:
            key, value = f"{settings.CACHE_PREFIX}health:{uuid.uuid4().hex}", uuid.uuid4().bytes
            client.set(key, value, expire=5, noreply=False)
            if client.get(key) != value:
                raise Unwell("does not give back what was stored")
            client.delete(key, noreply=False)
        return {}

    return check


def _gearmand(server: str) -> Callable[[], dict[str, Any]]:
    def check() -> dict[str, Any]:
        timeout = settings.HEALTH_TIMEOUT_S
        with closing(socket.create_connection(_address(server), timeout=timeout)) as connection:
            until = time.monotonic() + timeout
            connection.sendall(b"status\n")
            answer = b""
            # A line of a single dot ends the list: function, jobs, of them running, workers that can take them.
            while not (answer == b".\n" or answer.endswith(b"\n.\n")):
                connection.settimeout(max(0.001, until - time.monotonic()))
                received = connection.recv(65536)
                if not received:
                    raise EOFError
                answer += received
        return {"queues": _queues(answer.decode(errors="replace"))}

    return check


def _queues(status: str) -> dict[str, dict[str, int]]:
    """Read gearmand's status lines; only functions of our own namespace count."""
    queues = {}
    for line in status.splitlines():
        parts = line.split("\t")
        if len(parts) == 4 and parts[0].startswith(settings.JOBS_NAMESPACE):
            name = parts[0].removeprefix(settings.JOBS_NAMESPACE)
            if ":" not in name:  # another namespace's, when ours is the empty one
                queues[name] = {
                    "waiting": int(parts[1]) - int(parts[2]),
                    "running": int(parts[2]),
                    "workers": int(parts[3]),
                }
    return queues


# --- Object store, disk, the process itself --------------------------------------------------------------------------


@cache
def _s3(_endpoint: str, timeout: float) -> Any:
    # Made once: a boto3 client costs some 50 ms of CPU, and is safe to share among threads. No second attempts.
    return new_client(connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 1})


def _object_store() -> dict[str, Any]:
    """Write a small object, read it back, delete it: a store can list its buckets while its volumes are gone."""
    client = _s3(settings.S3_ENDPOINT, settings.HEALTH_TIMEOUT_S)
    key, value = f"health/{uuid.uuid4().hex}", uuid.uuid4().hex.encode()
    try:
        client.put_object(Bucket=settings.S3_BUCKET, Key=key, Body=value)
        body = client.get_object(Bucket=settings.S3_BUCKET, Key=key)["Body"].read()
        client.delete_object(Bucket=settings.S3_BUCKET, Key=key)
    except botocore.exceptions.ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        words = {403: "refused our credentials", 404: "the bucket is missing"}
        raise Unwell(words.get(status, f"answered with HTTP {status}")) from error
    if body != value:
        raise Unwell("does not give back what was stored")
    return {}


def _backups() -> dict[str, Any]:
    """See when it was last proven that a backup can be restored. A fresh installation has none, and is well."""
    names = {model: psycopg2.sql.Identifier(model._meta.db_table) for model in (Archived, Backup, Drill)}
    with _postgres("default") as connection:
        query = (
            "SELECT (SELECT extract(epoch FROM now() - min(began_at))::float / 86400 FROM {backup}),"
            " (SELECT min(at) FROM {archived}), (SELECT max(ended_at) FROM {drill} WHERE ok),"
            " (SELECT ok FROM {drill} ORDER BY ended_at DESC LIMIT 1), now()"
        )
        named = psycopg2.sql.SQL(query).format(backup=names[Backup], archived=names[Archived], drill=names[Drill])
        ((days, restorable_to, proven_at, last_ok, now),) = _rows(connection, named)
    if days is None:
        return {"restorable_to": None, "proven_at": None}
    if last_ok is False:
        raise Unwell("the last drill failed: manage.py backups says why")
    proof_days = (now - proven_at).total_seconds() / 86_400 if proven_at else days
    if proof_days > settings.BACKUP_PROOF_MAX_DAYS:
        raise Unwell(f"for {proof_days:.0f} days no backup was proven by a drill")
    return {
        "restorable_to": restorable_to.isoformat(timespec="seconds") if restorable_to else None,
        "proven_at": proven_at.isoformat(timespec="seconds") if proven_at else None,
    }


def _push() -> dict[str, Any]:
    """See whether our key is still good; Apple itself is not asked: it counts connections."""
    if apns.key_is_refused():
        raise Unwell("our key is refused: pushes wait")
    return {}


def _canary() -> dict[str, Any]:
    """See that the canary photo flies and arrives; seconds from the upload to the last feed."""
    result = last_results()
    said = alert_text(result)
    if said:
        raise Unwell(said)
    flights = result["flights"] if result else []
    return {
        "age_s": result["age_s"] if result else None,
        "post_to_feed_s": {flight["server"]: flight["post_to_feed_s"] for flight in flights},
        "paused": [flight["server"] for flight in flights if flight["paused"]],
    }


def _disk() -> dict[str, Any]:
    place = Path(settings.STATE_DIR)
    free_mb = shutil.disk_usage(place if place.exists() else settings.BASE_DIR).free // 2**20
    if free_mb < settings.HEALTH_DISK_FREE_MB:
        raise Unwell(f"only {free_mb} MB free")
    return {"free_mb": free_mb}


def _process() -> dict[str, Any]:
    """Start a thread, count open files: what runs out in a process that looks alive and serves nobody."""
    done = threading.Event()
    threading.Thread(target=done.set, name="health-probe", daemon=True).start()
    if not done.wait(settings.HEALTH_TIMEOUT_S):
        raise TimeoutError
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        used = sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError as error:
        if error.errno == errno.EMFILE:
            raise Unwell("no file can be opened any more") from error
        return {"threads": threading.active_count()}  # no /proc here: threads must do
    if used > limit * 0.95:
        raise Unwell(f"{used} of {limit} files are open")
    return {"threads": threading.active_count(), "files": used}
