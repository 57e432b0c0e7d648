"""What the service stands on, asked one by one: each check has its own short-lived connection and its own clock.

Nothing here uses the connections of requests: those wait as long as a page may wait (seconds), a health check
must answer within about HEALTH_TIMEOUT_S even when a server is frozen in the middle of an answer.
"""

from django.conf import settings

from monitoring.canary import last_results
from notifications.push import apns
from sharding import replicas, server_named

from . import backups, databases, machine, servers
from .databases import logical_shards_by_server
from .links import ask
from .running import Check, Result, Unwell, run_all


def process_checks() -> list[Check]:
    """What a process can know of itself: that it can still start threads and open files."""
    return [Check("process", "process", machine.process)]


def database_checks() -> list[Check]:
    """The main database, then each physical shard, through PgBouncer like every query of the service."""
    return [Check(_server_name(alias), "postgresql", databases.database(alias)) for alias in settings.DATABASES]


def replica_checks() -> list[Check]:
    """The replica of each server that has one: whether it follows, and how far behind it is."""
    return [
        Check(f"replica of {server.name}", "replica", databases.replica(server))
        for server in map(server_named, settings.DATABASES)
        if replicas.has_replica(server)
    ]


def all_checks() -> list[Check]:
    """Everything: databases, photo map, cache, jobs, object store, push, disk."""
    return [
        *process_checks(),
        *database_checks(),
        *replica_checks(),
        *(Check(f"jobs of {_server_name(alias)}", "outbox", databases.outbox(alias)) for alias in settings.DATABASES),
        *(Check(f"redis {server}", "redis", servers.map_redis(server)) for server in settings.PHOTO_MAP_SERVERS),
        *(
            Check(f"memcached {server}", "memcached", servers.memcached(server))
            for server in settings.MEMCACHED_SERVERS
        ),
        *(Check(f"gearmand {server}", "gearmand", servers.gearmand(server)) for server in settings.GEARMAND_SERVERS),
        Check("object store", "s3", servers.object_store),
        *([Check("push", "apns", servers.push)] if apns.is_configured() else []),
        Check("disk", "disk", machine.disk),
        *([Check("canary", "canary", machine.canary)] if last_results() is not None else []),
        Check("backups", "backup", backups.check),
    ]


def _server_name(alias: str) -> str:
    return "main" if alias == "default" else alias


__all__ = [
    "Check",
    "Result",
    "Unwell",
    "all_checks",
    "ask",
    "database_checks",
    "logical_shards_by_server",
    "process_checks",
    "replica_checks",
    "run_all",
]
