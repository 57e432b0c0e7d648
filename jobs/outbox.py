"""The outbox: one table per server, so that a write and its jobs commit together.

A row is deleted when its job is done. While its lease (run_after) runs, somebody is believed to be at it; when it
has run out, the relay submits the job again.
"""

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from sharding import Server, Shard, main_server

from . import gearman
from .tasks import Again, registry


@dataclass(frozen=True)
class Job:
    """One run of a task: where its row is, what to do."""

    server: Server
    row_id: int
    task: str
    args: dict[str, Any]
    attempts: int = 0

    def payload(self) -> bytes:
        """Return what travels through Gearman."""
        fields = [self.server.name, self.row_id, self.task, self.args, self.attempts]
        return json.dumps(fields, separators=(",", ":")).encode()

    @classmethod
    def of_payload(cls, payload: bytes) -> "Job":
        """Read what payload() wrote."""
        server, row_id, task, args, attempts = json.loads(payload)
        return cls(Server(server), row_id, task, args, attempts)


def enqueue(task: str, *, on: Shard | Server | None = None, delay_s: float = 0.0, **args: Any) -> Job:
    """Store a job in the outbox of `on`'s server, in its transaction if one is open, and submit it after the commit.

    on: default main. delay_s: the relay submits it then. args: JSON; ids, not states.
    A Gearman that is down costs nothing here: the relay submits later.
    """
    server = on.server if isinstance(on, Shard) else on or main_server()
    number = on.number if isinstance(on, Shard) else None
    lease_s = delay_s or settings.JOBS_LEASE_S
    with server.cursor() as cursor:
        cursor.execute(
            "INSERT INTO local.outbox (logical_shard, task, args, run_after)"
            " VALUES (%s, %s, %s, clock_timestamp() + %s * interval '1 second') RETURNING id",
            [number, task, json.dumps(args), lease_s],
        )
        job = Job(server, cursor.fetchone()[0], task, args)
    if not delay_s:
        server.on_commit(lambda: gearman.submit_soon([job]))
    return job


def finish(server: Server, row_ids: Iterable[int]) -> None:
    """Delete the rows of jobs that are done."""
    with server.cursor() as cursor:
        cursor.execute("DELETE FROM local.outbox WHERE id = ANY(%s)", [list(row_ids)])


def extend(server: Server, row_id: int, seconds: float) -> None:
    """Keep the relay from a job for `seconds` from now."""
    with server.cursor() as cursor:
        cursor.execute(
            "UPDATE local.outbox SET run_after = clock_timestamp() + %s * interval '1 second' WHERE id = %s",
            [seconds, row_id],
        )


def go_on(job: Job, again: Again) -> Job | None:
    """Store a chained job's next arguments; None if its row is gone (a second run finished it)."""
    args = job.args | again.changes
    with job.server.cursor() as cursor:
        cursor.execute(
            "UPDATE local.outbox SET args = %s, attempts = 0,"
            " run_after = clock_timestamp() + %s * interval '1 second' WHERE id = %s",
            [json.dumps(args), _lease(job.task), job.row_id],
        )
        return Job(job.server, job.row_id, job.task, args) if cursor.rowcount else None


def fail(job: Job, reason: str, *, counts: bool = True) -> None:
    """Put a failed job back for a later try, or to rest as a dead letter after JOBS_MAX_ATTEMPTS.

    counts: False for a server that is down: such jobs wait, a minute at most at a time, however long it takes.
    """
    attempts = job.attempts + 1
    with job.server.atomic(), job.server.cursor() as cursor:
        if counts and attempts >= settings.JOBS_MAX_ATTEMPTS:
            cursor.execute(
                "WITH dead AS (DELETE FROM local.outbox WHERE id = %s RETURNING *)"
                " INSERT INTO local.dead_letter (id, logical_shard, task, args, attempts, created_at, last_error)"
                " SELECT id, logical_shard, task, args, %s, created_at, %s FROM dead ON CONFLICT (id) DO NOTHING",
                [job.row_id, attempts, reason],
            )
            return
        wait_s = min(settings.JOBS_RETRY_BASE_S * 2 ** min(job.attempts, 10), 60.0) * random.uniform(0.75, 1.25)
        cursor.execute(
            "UPDATE local.outbox SET attempts = least(%s, 1000), last_error = %s,"
            " run_after = clock_timestamp() + %s * interval '1 second' WHERE id = %s",
            [attempts, reason, wait_s, job.row_id],
        )


def take_due(server: Server, *, most: int, ignore_leases: bool = False) -> list[Job]:
    """Take jobs whose lease ran out, with a new lease each, oldest first. Cost: one statement."""
    with server.cursor() as cursor:
        cursor.execute(
            "WITH due AS (SELECT id FROM local.outbox WHERE run_after <= clock_timestamp() OR %s"
            " ORDER BY run_after LIMIT %s FOR UPDATE SKIP LOCKED)"
            " UPDATE local.outbox SET run_after = clock_timestamp() + %s * interval '1 second' FROM due"
            " WHERE outbox.id = due.id RETURNING outbox.id, task, args, attempts",
            [ignore_leases, most, settings.JOBS_LEASE_S],
        )
        rows = cursor.fetchall()
    return [Job(server, row_id, name, _decoded(args), attempts) for row_id, name, args, attempts in sorted(rows)]


def dead_letters(server: Server) -> list[dict[str, Any]]:
    """Return a server's dead letters, latest first."""
    with server.cursor() as cursor:
        cursor.execute(
            "SELECT id, task, args, attempts, died_at, last_error FROM local.dead_letter"
            " ORDER BY died_at DESC LIMIT 1000"
        )
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) | {"server": server.name} for row in cursor.fetchall()]


def requeue(server: Server, row_ids: list[int]) -> int:
    """Put dead letters back into the outbox, due now, with all attempts before them; return how many."""
    with server.cursor() as cursor:
        cursor.execute(
            "WITH back AS (DELETE FROM local.dead_letter WHERE id = ANY(%s) RETURNING *)"
            " INSERT INTO local.outbox (logical_shard, task, args, run_after)"
            " SELECT logical_shard, task, args, clock_timestamp() FROM back",
            [row_ids],
        )
        return cursor.rowcount


def _lease(name: str) -> float:
    return registry[name].lease_s if name in registry else settings.JOBS_LEASE_S


def _decoded(args: Any) -> dict[str, Any]:
    return json.loads(args) if isinstance(args, str) else args
