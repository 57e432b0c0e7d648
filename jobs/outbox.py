"""The outbox: one table per server, so that a write and its jobs commit together.

A row is deleted when its job is done. While its lease (run_after) runs, somebody is believed to be at it; when it
has run out, the relay submits the job again. Whoever moves a row names the step and attempt it ran, so that a
late second run moves nothing.
"""

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from django.conf import settings

from instagram import tracing
from instagram.counting import count
from sharding import Server, Shard, main_server, server_named

from . import handover
from .context import request_id as current_request_id
from .rows import change, dictionaries
from .tasks import Again, registry, task_named

#: The longest wait between two tries, seconds: of the relay, and after failures.
LONGEST_WAIT_S = 60.0

_COLUMNS = (
    "id, task, args::text, attempts, step, submits, (extract(epoch FROM created_at) * 1000)::bigint,"
    " extract(epoch FROM run_after)::float, request_id, postponed"
)


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a task: where its row is, what to do, and how far it was."""

    server: Server
    row_id: int
    task: str
    args: dict[str, Any]
    attempts: int = 0
    step: int = 0
    #: Times the relay submitted it.
    submits: int = 0
    #: Milliseconds since 1970.
    enqueued_ms: int = 0
    #: Seconds since 1970; who gets the job later than this must look whether it is still to be done.
    leased_until: float = 0.0
    request_id: str | None = None
    postponed: int = 0

    @property
    def identity(self) -> str:
        """Return the same for the same run of the same row, at most 64 characters: gearmand keeps one of them."""
        return f"{self.server.name}:{self.row_id}:{self.step}:{self.attempts}:{self.enqueued_ms:x}"

    def payload(self) -> bytes:
        """Return what travels through Gearman."""
        return orjson.dumps(
            {
                "server": self.server.name,
                "id": self.row_id,
                "task": self.task,
                "args": self.args,
                "attempts": self.attempts,
                "step": self.step,
                "submits": self.submits,
                "enqueued_ms": self.enqueued_ms,
                "leased_until": self.leased_until,
                "request_id": self.request_id,
                "postponed": self.postponed,
            }
        )

    @classmethod
    def of_payload(cls, payload: bytes) -> "Job":
        """Read what payload() wrote. Raises ValueError, KeyError or TypeError for anything else."""
        fields = orjson.loads(payload)
        return cls(server_named(fields.pop("server")), fields.pop("id"), **fields)


def enqueue(task: str, *, on: Shard | Server | None = None, delay_s: float = 0.0, **args: Any) -> Job:
    """Store a job in the outbox of `on`'s server, in its transaction if one is open, and submit it after the commit.

    on: default main. delay_s: the relay submits it then. args: JSON; ids, not states.
    A Gearman that is down costs nothing here: the relay submits later. Raises UnknownTask, ShardUnavailable.
    Cost: one insert; after the commit one submit for all jobs of the transaction.
    """
    return enqueue_many(task, [args], on=on, delay_s=delay_s)[0]


def enqueue_many(
    task: str, many_args: Sequence[dict[str, Any]], *, on: Shard | Server | None = None, delay_s: float = 0.0
) -> list[Job]:
    """Store one job for each of the arguments. Cost: one insert; otherwise as enqueue()."""
    task_named(task)
    server = on.server if isinstance(on, Shard) else on or main_server()
    number = on.number if isinstance(on, Shard) else None
    request_id = current_request_id.get()
    lease_s = delay_s or settings.JOBS_LEASE_S
    encoded = [orjson.dumps(args).decode() for args in many_args]
    if not encoded:
        return []
    with server.cursor() as cursor:
        cursor.execute(
            "INSERT INTO local.outbox (logical_shard, task, args, run_after, request_id)"
            " SELECT %s, %s, args::jsonb, clock_timestamp() + %s * interval '1 second', %s"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS given (args, place) ORDER BY place"
            " RETURNING id, (extract(epoch FROM created_at) * 1000)::bigint",
            [number, task, lease_s, request_id, encoded],
        )
        rows = cursor.fetchall()
    tracing.add("job", task, times=len(rows))
    leased_until = time.time() + lease_s
    jobs = [
        Job(server, row_id, task, args, enqueued_ms=made_ms, leased_until=leased_until, request_id=request_id)
        for (row_id, made_ms), args in zip(rows, many_args, strict=True)
    ]
    if not delay_s:
        handover.submit_after_commit(server, jobs)
    return jobs


def finish(server: Server, steps: Iterable[tuple[int, int]]) -> None:
    """Delete the rows of jobs that are done, each (row id, step): a row that has moved on stays."""
    done = list(steps)
    if done:
        change(
            server,
            "DELETE FROM local.outbox USING unnest(%s::bigint[], %s::int[]) AS done (row_id, at_step)"
            " WHERE id = row_id AND step = at_step",
            [[row_id for row_id, _ in done], [step for _, step in done]],
        )


def extend(job: Job, seconds: float) -> bool:
    """Keep the relay from a job for `seconds` from now; False if its row has moved on."""
    return bool(
        change(
            job.server,
            "UPDATE local.outbox SET run_after = clock_timestamp() + %s * interval '1 second'"
            " WHERE id = %s AND step = %s AND attempts = %s",
            [seconds, job.row_id, job.step, job.attempts],
        )
    )


def go_on(job: Job, again: Again) -> Job | None:
    """Store a chained job's next arguments; None if its row has moved on (somebody else ran the same batch).

    The job returned is to be submitted, unless `again` has a delay: then the relay does that.
    """
    args = job.args | again.changes
    lease_s = again.delay_s or _lease(job.task)
    moved = change(
        job.server,
        "UPDATE local.outbox SET args = %s, step = step + 1, attempts = 0, submits = 0, postponed = 0,"
        " last_error = NULL, run_after = clock_timestamp() + %s * interval '1 second'"
        " WHERE id = %s AND step = %s AND attempts = %s",
        [orjson.dumps(args).decode(), lease_s, job.row_id, job.step, job.attempts],
    )
    if not moved:
        return None
    until = time.time() + lease_s
    return replace(job, args=args, step=job.step + 1, attempts=0, submits=0, postponed=0, leased_until=until)


def is_current(job: Job) -> bool:
    """Return whether a job is still to be done as it says. For those that come late. Cost: one read by key."""
    with job.server.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM local.outbox WHERE id = %s AND step = %s AND attempts = %s AND task = %s",
            [job.row_id, job.step, job.attempts, job.task],
        )
        return cursor.fetchone() is not None


def count_attempt(job: Job) -> Job | None:
    """Count an attempt before it begins, for a job that may kill its workers; None if the row has moved on or died."""
    reason = "its workers ended or never answered"
    attempts = job.attempts + 1
    if attempts > settings.JOBS_MAX_ATTEMPTS:
        bury(job, reason, attempts=job.attempts)
        return None
    moved = change(
        job.server,
        "UPDATE local.outbox SET attempts = %s, last_error = %s WHERE id = %s AND step = %s AND attempts = %s",
        [attempts, reason, job.row_id, job.step, job.attempts],
    )
    return replace(job, attempts=attempts) if moved else None


def fail(job: Job, reason: str, *, counted: bool = False) -> None:
    """Put a failed job back for a later try, or to rest as a dead letter after JOBS_MAX_ATTEMPTS.

    counted: count_attempt() has counted this one.
    """
    attempts = job.attempts + (not counted)
    if attempts >= settings.JOBS_MAX_ATTEMPTS:
        bury(job, reason, attempts=attempts)
        return
    change(
        job.server,
        "UPDATE local.outbox SET attempts = %s, submits = 0, last_error = %s,"
        " run_after = clock_timestamp() + %s * interval '1 second' WHERE id = %s AND step = %s AND attempts = %s",
        [attempts, reason, _wait_s(attempts - 1), job.row_id, job.step, job.attempts],
    )


def postpone(job: Job, reason: str) -> None:
    """Let a job wait for what it needs, a minute at most at a time, however long it takes: this is no failure of it."""
    change(
        job.server,
        "UPDATE local.outbox SET postponed = postponed + 1, submits = 0, last_error = %s,"
        " run_after = clock_timestamp() + %s * interval '1 second' WHERE id = %s AND step = %s AND attempts = %s",
        [reason, _wait_s(job.postponed), job.row_id, job.step, job.attempts],
    )


def release(server: Server, *, reasons: list[str]) -> int:
    """Let what was postponed for a reason that begins so run now; return how many.

    Cost: reads what is delayed on the server.
    """
    return change(
        server,
        "UPDATE local.outbox SET run_after = clock_timestamp(), postponed = 0"
        " WHERE run_after > clock_timestamp() AND EXISTS"
        " (SELECT FROM unnest(%s::text[]) AS reason WHERE starts_with(last_error, reason))",
        [reasons],
    )


def bury(job: Job, reason: str, *, attempts: int) -> None:
    """Make a job a dead letter."""
    count("jobs", task=job.task, result="dead")
    change(
        job.server,
        "WITH dead AS (DELETE FROM local.outbox WHERE id = %s AND step = %s AND attempts = %s RETURNING *)"
        " INSERT INTO local.dead_letter"
        " (id, logical_shard, task, args, attempts, created_at, last_error, request_id)"
        " SELECT id, logical_shard, task, args, %s, created_at, %s, request_id FROM dead",
        [job.row_id, job.step, job.attempts, attempts, reason],
    )


def take_due(server: Server, *, most: int) -> list[Job]:
    """Take jobs whose lease ran out, with a new lease each, oldest first. Cost: one statement.

    The new lease doubles with each time: what waits in a long queue of gearmand is not taken every few seconds.
    """
    with server.cursor() as cursor:
        cursor.execute(
            "WITH due AS (SELECT id AS due_id FROM local.outbox WHERE run_after <= clock_timestamp()"
            " ORDER BY run_after LIMIT %s FOR UPDATE SKIP LOCKED)"
            " UPDATE local.outbox SET submits = least(submits + 1, 1000),"
            " run_after = clock_timestamp() + least(%s, %s * 2 ^ least(submits, 10)) * interval '1 second'"
            f" FROM due WHERE id = due_id RETURNING {_COLUMNS}",  # our own column names
            [most, LONGEST_WAIT_S, settings.JOBS_LEASE_S],
        )
        rows = cursor.fetchall()
    return [_job(server, row) for row in sorted(rows)]


def give_back(server: Server, jobs: Iterable[Job]) -> None:
    """Undo take_due() for jobs that gearmand did not take."""
    change(
        server,
        "UPDATE local.outbox SET run_after = clock_timestamp(), submits = greatest(submits - 1, 0)"
        " WHERE id = ANY(%s) AND submits > 0",
        [[job.row_id for job in jobs]],
    )


def hasten(on: Shard | Server, *, tasks: Iterable[str], argument: str, value: int | str, within_s: float) -> None:
    """Let jobs that were delayed for longer, and have an argument of that value, run within so many seconds.

    In the transaction that is open. What has begun keeps its pace. Cost: one statement that reads what is delayed for
    longer, by index.
    """
    server = on.server if isinstance(on, Shard) else on
    with server.cursor() as cursor:
        cursor.execute(
            "UPDATE local.outbox SET run_after = clock_timestamp() + %(within)s * interval '1 second'"
            " WHERE run_after > clock_timestamp() + %(within)s * interval '1 second' AND step = 0"
            " AND task = ANY(%(tasks)s) AND args->>%(argument)s = %(value)s",
            {"within": within_s, "tasks": list(tasks), "argument": argument, "value": str(value)},
        )


def rows_of(server: Server, *, task: str | None = None, most: int = 1000) -> list[dict[str, Any]]:
    """Return a server's jobs that are not done, oldest first."""
    return dictionaries(
        server,
        "SELECT id, logical_shard, task, args::text, attempts, postponed, step, submits, created_at, run_after,"
        " last_error, request_id FROM local.outbox WHERE task = %s OR %s ORDER BY id LIMIT %s",
        [task, task is None, most],
    )


def jobs_of(server: Server, *, tasks: Iterable[str], most: int) -> list[Job]:
    """Return a server's jobs of some tasks, leased or not, oldest first; takes nothing."""
    with server.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM local.outbox WHERE task = ANY(%s) ORDER BY id LIMIT %s",
            [list(tasks), most],
        )
        return [_job(server, row) for row in cursor.fetchall()]


def jobs_with(server: Server, *, tasks: Iterable[str], argument: str, value: int | str) -> list[Job]:
    """Return a server's jobs of some tasks that have an argument of that value. Cost: reads them all, for operators."""
    with server.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM local.outbox WHERE task = ANY(%s) AND args->>%s = %s ORDER BY id",
            [list(tasks), argument, str(value)],
        )
        return [_job(server, row) for row in cursor.fetchall()]


def last_error_of(job: Job) -> str | None:
    """Return why a job failed or waits, as its row says now."""
    with job.server.cursor() as cursor:
        cursor.execute("SELECT last_error FROM local.outbox WHERE id = %s", [job.row_id])
        row = cursor.fetchone()
    return row[0] if row else None


def counts(server: Server) -> list[dict[str, Any]]:
    """Return per task: rows, how many are overdue, seconds since the oldest began, failing, postponed, dead."""
    return dictionaries(
        server,
        "SELECT task, count(*) FILTER (WHERE NOT dead) AS rows, count(*) FILTER (WHERE run_after <= now()) AS overdue,"
        " extract(epoch FROM now() - min(created_at) FILTER (WHERE NOT dead))::float AS oldest_s,"
        " count(*) FILTER (WHERE NOT dead AND attempts > 0) AS failing,"
        " count(*) FILTER (WHERE postponed > 0) AS postponed, count(*) FILTER (WHERE dead) AS dead"
        " FROM (SELECT task, created_at, attempts, postponed, run_after, false AS dead FROM local.outbox"
        " UNION ALL SELECT task, created_at, attempts, 0, NULL, true FROM local.dead_letter) AS jobs"
        " GROUP BY task ORDER BY task",
        [],
    )


def _job(server: Server, row: Sequence[Any]) -> Job:
    row_id, task, args, *rest = row
    return Job(server, row_id, task, orjson.loads(args), *rest)


def _lease(name: str) -> float:
    return registry[name].lease_s if name in registry else settings.JOBS_LEASE_S


def _wait_s(tries: int) -> float:
    """Return seconds to wait: doubling, with jitter, so that what failed together does not come back together."""
    return min(settings.JOBS_RETRY_BASE_S * 2 ** min(tries, 16), LONGEST_WAIT_S) * random.uniform(0.75, 1.25)
