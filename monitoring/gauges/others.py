"""Replicas, the canary photo, backups: where an installation has them."""

from collections.abc import Callable
from functools import partial

import psycopg2
from django.conf import settings
from django.db import connections

from jobs.metrics import Gauge
from monitoring import canary
from monitoring.canary.results import STAGES
from monitoring.checks.backups import standings
from sharding import Server, all_servers, replicas


def sources() -> dict[str, Callable[[], list[Gauge]]]:
    """Return how each is asked, by name. A replica that is away is named like anything else that is."""
    found: dict[str, Callable[[], list[Gauge]]] = {
        f"replica of {server.name}": partial(_replica, server)
        for server in all_servers()
        if replicas.has_replica(server)
    }
    return found | {"canary": _canary, "backups": _backups}


def _backups() -> list[Gauge]:
    """Return of each server how old its backups and their proof are; nothing where there was never one."""
    try:
        found = standings()
    except (psycopg2.Error, OSError):
        return []  # of main, which is named itself then
    if not found:
        return []
    gauges = [
        Gauge(
            "backup_proof_age_days",
            "Since a backup was last proven by a drill.",
            [({"server": each.server}, each.age(each.proven_at) / 86_400) for each in found],
        ),
        Gauge(
            "backup_drill_failed",
            "The last drill failed: 1.",
            [({"server": each.server}, float(each.last_ok is False)) for each in found],
        ),
    ]
    # Where no timers run, backups are as old as they are.
    if settings.BACKUP_MAX_AGE_H:
        ages = [({"server": each.server}, each.age(each.backed_up_at) / 3_600) for each in found]
        gauges.append(Gauge("backup_age_hours", "Since the last backup that is whole.", ages))
    if settings.BACKUP_MARK_MAX_MIN:
        ages = [({"server": each.server}, each.age(each.restorable_to)) for each in found]
        gauges.append(Gauge("backup_restorable_age_seconds", "Since the last moment that can be restored.", ages))
    return gauges


def _replica(server: Server) -> list[Gauge]:
    try:
        lag = replicas.lag_of(server)
    finally:
        replicas.close()  # of this thread, which ends
        connections.close_all()
    labels = {"server": server.name}
    gauges = [Gauge("replica_lag_seconds", "How far the replica is behind its primary.", [(labels, lag.seconds)])]
    if lag.bytes is not None:
        gauges.append(Gauge("replica_lag_bytes", "The same in write-ahead log.", [(labels, float(lag.bytes))]))
    return gauges


def _canary() -> list[Gauge]:
    """Return the last flight: its age while one follows another, and for each server where it stalls."""
    result = canary.last_results()
    if result is None or result["ended"]:
        return []
    stalls, seconds = [], []
    for flight in result["flights"]:
        stalls += [
            ({"stall": f"{stage} of {flight['server']}"}, float(stage == flight["stage"] and not flight["paused"]))
            for stage in STAGES
        ]
        if flight["post_to_feed_s"] is not None:
            seconds.append(({"server": flight["server"]}, float(flight["post_to_feed_s"])))
    age: list[tuple[dict[str, str], float]] = [({}, float(result["age_s"]))] if result["is_loop"] else []
    return [
        Gauge("canary_stalled", "Stages where the canary photo stalls: 1, the others: 0.", stalls),
        Gauge("canary_post_to_feed_seconds", "From its upload until the last reader's feed has it.", seconds),
        Gauge("canary_age_seconds", "Seconds since it last flew.", age),
    ]
