"""PgBouncer's queues, and each PostgreSQL server: connections, transactions, size, late jobs."""

from collections.abc import Callable
from functools import partial

from django.conf import settings

from jobs.metrics import Gauge
from monitoring import checks
from sharding import Server, all_servers

_SERVER = (
    "SELECT numbackends AS backends, xact_commit + xact_rollback AS transactions, deadlocks,"
    " tup_inserted + tup_updated + tup_deleted AS writes,"
    " pg_database_size(datname) AS size, current_setting('max_connections') AS most,"
    " (SELECT sum(numbackends) FROM pg_stat_database) AS connections,"
    " (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(run_after)), 0) FROM local.outbox) AS late_s"
    " FROM pg_stat_database WHERE datname = current_database()"
)
#: Name -> what it is, and the column it comes from.
_GAUGES = {
    "postgres_backends": ("Connections to the service's database.", "backends"),
    "postgres_connections": ("Connections to the server.", "connections"),
    "postgres_connections_most": ("Connections the server takes.", "most"),
    "postgres_transactions_total": ("Transactions since its statistics began.", "transactions"),
    "postgres_writes_total": ("Rows inserted, updated and deleted since its statistics began.", "writes"),
    "postgres_deadlocks_total": ("Deadlocks since its statistics began.", "deadlocks"),
    "postgres_size_bytes": ("The service's database on disk.", "size"),
    "outbox_late_seconds": ("How late the job is that is due longest.", "late_s"),
}


def sources() -> dict[str, Callable[[], list[Gauge]]]:
    """Return how each is asked, by name."""
    servers: dict[str, Callable[[], list[Gauge]]] = {server.name: partial(_server, server) for server in all_servers()}
    return servers | {"pgbouncer": _pgbouncer}


def _server(server: Server) -> list[Gauge]:
    (row,) = checks.ask(server.alias, _SERVER)
    labels = {"server": server.name}
    return [Gauge(gauge, text, [(labels, max(0.0, float(row[column])))]) for gauge, (text, column) in _GAUGES.items()]


def _pgbouncer() -> list[Gauge]:
    """Return who waits for a connection, by server. Through its admin console: DB_USER may look."""
    databases = {settings.DATABASES[server.alias]["NAME"]: server.name for server in all_servers()}
    waiting, longest, busy, total = [], [], [], []
    for pool in checks.ask("default", "SHOW POOLS", database="pgbouncer"):
        if pool["database"] in databases:
            labels = {"server": databases[pool["database"]]}
            waiting.append((labels, float(pool["cl_waiting"])))
            longest.append((labels, float(pool["maxwait"]) + float(pool["maxwait_us"]) / 1e6))
            busy.append((labels, float(pool["sv_active"])))
    for numbers in checks.ask("default", "SHOW STATS", database="pgbouncer"):
        if numbers["database"] in databases:
            labels = {"server": databases[numbers["database"]]}
            total.append((labels, float(numbers["total_wait_time"]) / 1e6))
    return [
        Gauge("pgbouncer_waiting", "Clients that wait for a server connection.", waiting),
        Gauge("pgbouncer_longest_wait_seconds", "How long the first of them has waited.", longest),
        Gauge("pgbouncer_busy", "Server connections in use.", busy),
        Gauge("pgbouncer_wait_seconds_total", "Seconds that clients waited, since PgBouncer began.", total),
    ]
