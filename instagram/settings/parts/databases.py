"""Databases and shards."""

from .data_centre import PGBOUNCER_PORT, SHARD_SERVERS
from .environment import env
from .framework import DEVELOPMENT_MARK

#: Number of logical shards: a power of two up to 8192, fixed for the life of an installation. Production: 2048.
LOGICAL_SHARDS = env.int("LOGICAL_SHARDS", default=64)
#: Start of id time, ms since 1970 (2026-01-01). Fixed at install. Ids last 34.8 years from here.
ID_EPOCH_MS = env.int("ID_EPOCH_MS", default=1_767_225_600_000)
#: Refuse to mint an id when a shard's sequence runs this far ahead of the clock, ms.
ID_MAX_AHEAD_MS = env.int("ID_MAX_AHEAD_MS", default=60_000)

#: Where PgBouncer listens.
DB_HOST = env.str("DB_HOST", default="127.0.0.1")
#: The role the service works as; owner of its databases.
DB_USER = env.str("DB_USER", default="instagram")
#: Password of that role, towards PgBouncer and the servers.
DB_PASSWORD = env.str("DB_PASSWORD", default=f"{DEVELOPMENT_MARK}-db")
#: Superuser of the local PostgreSQL servers: used by the stack to make roles and databases and by `promote` and
#: `replicas`, by nothing else.
DB_SUPERUSER_PASSWORD = env.str("DB_SUPERUSER_PASSWORD", default=f"{DEVELOPMENT_MARK}-superuser")
#: Role by which replicas follow their PostgreSQL server, and by which a base backup is read.
DB_REPLICATION_USER = env.str("DB_REPLICATION_USER", default="replicator")
#: Its password.
DB_REPLICATION_PASSWORD = env.str("DB_REPLICATION_PASSWORD", default=f"{DEVELOPMENT_MARK}-replication")
#: Appended to database names in PgBouncer: "" for the service, "_test" for tests, "_bench" for benchmarks.
DB_SUFFIX = env.str("DB_SUFFIX", default="")
#: Seconds a thread keeps its connection to PgBouncer.
DB_CONN_MAX_AGE_S = env.int("DB_CONN_MAX_AGE_S", default=600)
#: Server connections per database that PgBouncer opens at most. A backend that met 512 schemas keeps about 120 MB.
PGBOUNCER_POOL_SIZE = env.int("PGBOUNCER_POOL_SIZE", default=6)
#: Seconds a client may wait in PgBouncer for a server connection.
PGBOUNCER_QUERY_WAIT_TIMEOUT_S = env.int("PGBOUNCER_QUERY_WAIT_TIMEOUT_S", default=2)
#: Seconds after which PgBouncer replaces a server connection: its catalogue cache goes with it.
PGBOUNCER_SERVER_LIFETIME_S = env.int("PGBOUNCER_SERVER_LIFETIME_S", default=600)
#: Set on the role (ALTER ROLE), since a session SET means nothing behind PgBouncer. Milliseconds.
DB_STATEMENT_TIMEOUT_MS = env.int("DB_STATEMENT_TIMEOUT_MS", default=5_000)
#: The same for waiting for a lock: a request gives up well before its client does. Milliseconds.
DB_LOCK_TIMEOUT_MS = env.int("DB_LOCK_TIMEOUT_MS", default=1_000)
#: The same for a transaction left open, which would starve the pool. Milliseconds.
DB_IDLE_IN_TRANSACTION_TIMEOUT_MS = env.int("DB_IDLE_IN_TRANSACTION_TIMEOUT_MS", default=5_000)
#: Seconds a process waits for any one answer of a database server before it gives the connection up: just over the
#: statement time-out, for the server that is frozen and cannot enforce its own.
DB_ANSWER_TIMEOUT_S = env.float("DB_ANSWER_TIMEOUT_S", default=6.0)
#: Seconds a process waits for a connection.
DB_CONNECT_TIMEOUT_S = env.float("DB_CONNECT_TIMEOUT_S", default=2.0)
#: Seconds that reading other people's shards may take in one page, all servers together.
PAGE_READ_BUDGET_S = env.float("PAGE_READ_BUDGET_S", default=2.0)
#: Seconds between the probes by which a process finds out that an unwell database server is back.
BREAKER_PROBE_S = env.float("BREAKER_PROBE_S", default=1.0)


def _database(name: str, suffix: str) -> dict[str, object]:
    return {
        "ENGINE": "sharding.backend",
        "HOST": DB_HOST,
        "PORT": PGBOUNCER_PORT,
        "NAME": name + suffix,
        "USER": DB_USER,
        "PASSWORD": DB_PASSWORD,
        "CONN_MAX_AGE": DB_CONN_MAX_AGE_S,
        "CONN_HEALTH_CHECKS": True,
        # Transaction pooling: a server-side cursor outlives its transaction and would meet another backend.
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }


def databases(suffix: str) -> dict[str, dict[str, object]]:
    """Return Django's DATABASES for the databases whose names end with `suffix`."""
    return {"default": _database("main", suffix)} | {name: _database(name, suffix) for name in SHARD_SERVERS}


DATABASES = databases(DB_SUFFIX)
DATABASE_ROUTERS = ["sharding.router.ShardRouter"]
