"""Checks of PostgreSQL: servers, replicas, outboxes; and whether a backup was proven lately."""

from collections.abc import Callable
from typing import Any

import psycopg2.sql
from django.conf import settings

from recovery.models import Archived, Backup, Drill
from sharding import Server, ShardUnavailable, replicas
from sharding.deadlines import deadline
from sharding.models import Placement

from .links import postgres, rows
from .running import Unwell


def database(alias: str) -> Callable[[], dict[str, Any]]:
    def check() -> dict[str, Any]:
        with postgres(alias) as connection:
            ((recovering,),) = rows(connection, "SELECT pg_is_in_recovery()")
        if recovering:
            raise Unwell("is a standby: writes are not possible")
        return {}

    return check


def replica(server: Server) -> Callable[[], dict[str, Any]]:
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


def outbox(alias: str) -> Callable[[], dict[str, Any]]:
    """See whether jobs are picked up: when workers or relays are gone, rows outlive their leases."""

    def check() -> dict[str, Any]:
        with postgres(alias) as connection:
            query = "SELECT count(*), extract(epoch FROM clock_timestamp() - min(run_after))::float FROM local.outbox"
            ((waiting, late_s),) = rows(connection, query)
        if (late_s or 0) > settings.HEALTH_JOBS_LATE_S:
            raise Unwell(f"{waiting} jobs wait, the oldest is {late_s:.0f} s late")
        return {"waiting": waiting}

    return check


def backups() -> dict[str, Any]:
    """See when it was last proven that a backup can be restored. A fresh installation has none, and is well."""
    names = {model: psycopg2.sql.Identifier(model._meta.db_table) for model in (Archived, Backup, Drill)}
    with postgres("default") as connection:
        query = (
            "SELECT (SELECT extract(epoch FROM now() - min(began_at))::float / 86400 FROM {backup}),"
            " (SELECT min(at) FROM {archived}), (SELECT max(ended_at) FROM {drill} WHERE ok),"
            " (SELECT ok FROM {drill} ORDER BY ended_at DESC LIMIT 1), now()"
        )
        named = psycopg2.sql.SQL(query).format(backup=names[Backup], archived=names[Archived], drill=names[Drill])
        ((days, restorable_to, proven_at, last_ok, now),) = rows(connection, named)
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


def logical_shards_by_server() -> dict[str, int]:
    """Return how many logical shards each physical server holds, as main has it now; raises like a check."""
    with postgres("default") as connection:
        query = psycopg2.sql.SQL("SELECT server, count(*) FROM {} GROUP BY server")
        return dict(rows(connection, query.format(psycopg2.sql.Identifier(Placement._meta.db_table))))
