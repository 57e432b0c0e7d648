"""Checks of PostgreSQL: servers, replicas, outboxes."""

from collections.abc import Callable
from typing import Any

import psycopg2.sql
from django.conf import settings

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


def logical_shards_by_server() -> dict[str, int]:
    """Return how many logical shards each physical server holds, as main has it now; raises like a check."""
    with postgres("default") as connection:
        query = psycopg2.sql.SQL("SELECT server, count(*) FROM {} GROUP BY server")
        return dict(rows(connection, query.format(psycopg2.sql.Identifier(Placement._meta.db_table))))
