"""The worker: runs the tasks of one or more queues, one at a time.

gearmand hands a job out again when its worker dies, but drops it when the task raises: so this loop catches,
logs name and arguments, and puts the job back into the outbox for later.
"""

import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from django.db import Error, close_old_connections, connections
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from instagram import tracing
from instagram.counting import count, timed
from instagram.errors import Unavailable
from sharding import Server, ShardBusy, ShardMoved, ShardUnavailable

from . import gearman, outbox
from .context import current_job, request_id
from .outbox import Job
from .tasks import Again, Task, registry

log = logging.getLogger(__name__)

#: Rows of finished jobs are deleted together: this many, or after this many seconds, or when there is nothing to do.
FLUSH_ROWS, FLUSH_S = 100, 0.05
#: Seconds between looks of the thread beside the jobs: it extends leases, deletes rows a long job keeps waiting.
BESIDE_S = 0.25
#: Finished jobs that a worker remembers, to know a second delivery.
REMEMBERED = 10_000
#: After so many submits by the relay a job is suspected of killing its workers: attempts count from their start.
SUSPECT_SUBMITS = 3
#: Seconds between looks at connections and memory.
CARE_S = 1.0

#: Says why a job must not run now, None if it may; set by whoever knows (the switches).
hold: Callable[[Job, Task], str | None] | None = None


class Worker:
    """Runs jobs until told to stop, or until a limit on jobs or memory (MB) is reached."""

    def __init__(self, queues: list[str], *, max_jobs: int = 0, max_memory_mb: int = 0) -> None:
        self.tasks = [task.name for task in registry.values() if task.queue in queues]
        self.max_jobs, self.max_memory_mb = max_jobs, max_memory_mb
        self.jobs_done = 0
        self.stopping = False
        self.finished = _Finished()
        self._leases = _Leases()
        self._cared_at = 0.0

    def run(self) -> None:
        """Work until stopped; reconnects to gearmand for as long as that takes."""
        ended = threading.Event()
        beside = threading.Thread(target=self._beside, args=[ended], name="leases", daemon=True)
        beside.start()
        try:
            while not self.stopping:
                receiver = gearman.Receiver(self.tasks, run=self.do, go_on=self._go_on, idle=self.finished.flush)
                try:
                    receiver.work_until_stopped()
                except Exception:  # the library is out of step with gearmand: a fresh start mends that
                    log.exception("starting afresh with gearmand")
                    time.sleep(gearman.RECONNECT_S)
        finally:
            ended.set()
            beside.join(timeout=10.0)
            self.finished.flush()
            connections.close_all()

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Finish the job in hand and take no more."""
        self.stopping = True

    def install_signals(self) -> None:
        """Stop gracefully on SIGTERM and SIGINT."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)

    def do(self, payload: bytes) -> None:
        """Run one job as gearmand delivers it. Never raises: what cannot be done now stays in the outbox."""
        self.jobs_done += 1
        try:
            job = Job.of_payload(payload)
        except (ValueError, KeyError, TypeError):
            log.exception("a payload that no enqueue of this release wrote; its row stays for the relay")
            return
        try:
            self.run_job(job)
        except ShardUnavailable as error:
            log.warning("job %s stays leased: %s with its outbox is away", job.task, error.server_name)
        except Exception:  # a fault of ours, not of the task's: the lease runs out and the job comes again
            log.exception("job %s stays leased", job.task)
            _leave_connections_clean()

    def run_job(self, job: Job) -> None:
        """Run one job and say so in the outbox. Raises Error if the outbox cannot be written."""
        if job in self.finished:
            # Its row was deleted without waiting for the disk: a server that crashed since has it again.
            self.finished.add(job)
            return
        if time.time() > job.leased_until and not outbox.is_current(job):
            return
        task = registry.get(job.task)
        if task is None:
            outbox.postpone(job, "this worker's code has no such task")
            return
        waits_for = hold(job, task) if hold is not None else None
        if waits_for:
            outbox.postpone(job, waits_for)
            return
        asked_by, in_hand = request_id.set(job.request_id), current_job.set(job)
        try:
            with tracing.follow("job", job.task, task=job.task, job=f"{job.server.name}:{job.row_id}") as trace:
                user_id = job.args.get("user_id")
                if isinstance(user_id, int):
                    trace.user_id = user_id
                self._attempt(job, task, trace)
        finally:
            request_id.reset(asked_by)
            current_job.reset(in_hand)

    def _attempt(self, job: Job, task: Task, trace: tracing.Trace) -> None:
        """Run a task and note what became of it. Raises Error if the outbox cannot be written."""
        counted = job.submits >= SUSPECT_SUBMITS
        if counted:
            suspect = outbox.count_attempt(job)
            if suspect is None:
                return
            job = suspect
            current_job.set(job)
        waited_ms = round(time.time() * 1000) - job.enqueued_ms
        try:
            with self._leases.kept(job, task.lease_s), timed("job_seconds", queue=task.queue):
                result = task.run(**job.args)
        except Exception as error:  # whatever a task raises, the worker goes on
            _leave_connections_clean()
            _put_back(job, error, counted=counted)
            return
        count("jobs", task=job.task, result="done")
        log.info(
            "job %s %s in %.1f ms",
            job.task,
            "goes on" if isinstance(result, Again) else "done",
            trace.seconds * 1000,
            extra={"facts": {"ms": round(trace.seconds * 1000, 1), "since_enqueued_ms": waited_ms}},
        )
        if isinstance(result, Again):
            next_job = outbox.go_on(job, result)
            if next_job is not None and not result.delay_s:
                gearman.submit([next_job], timeout_s=1.0)
        else:
            self.finished.add(job)

    def _go_on(self) -> bool:
        """Care for what goes on between jobs; False to stop."""
        now = time.monotonic()
        self.finished.flush_if_due(now)
        if self.max_jobs and self.jobs_done >= self.max_jobs:
            self.stopping = True
        if now - self._cared_at > CARE_S:
            self._cared_at = now
            close_old_connections()
            if self.max_memory_mb and (memory_mb := _memory_mb()) > self.max_memory_mb:
                log.info("stopping at %d MB; a fresh worker takes over", memory_mb)
                self.stopping = True
        return not self.stopping

    def _beside(self, ended: threading.Event) -> None:
        while not ended.wait(BESIDE_S):
            try:
                self._leases.extend_if_due()
                self.finished.flush_if_due(time.monotonic() - BESIDE_S)
            except Exception:  # the job may run twice then; the thread must live
                log.exception("the thread beside the jobs")
            close_old_connections()
        connections.close_all()


class _Finished:
    """Jobs that are done: their rows to delete, and the memory of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[Server, list[tuple[int, int]]] = {}
        self._count, self._since = 0, 0.0
        self._remembered: set[str] = set()
        self._order: deque[str] = deque()

    def __contains__(self, job: Job) -> bool:
        return job.identity in self._remembered

    def add(self, job: Job) -> None:
        with self._lock:
            if not self._count:
                self._since = time.monotonic()
            self._count += 1
            self._rows.setdefault(job.server, []).append((job.row_id, job.step))
        if job.identity in self._remembered:
            return
        self._remembered.add(job.identity)
        self._order.append(job.identity)
        if len(self._order) > REMEMBERED:
            self._remembered.discard(self._order.popleft())

    def flush_if_due(self, now: float) -> None:
        if self._count >= FLUSH_ROWS or (self._count and now - self._since > FLUSH_S):
            self.flush()

    def flush(self) -> None:
        """Delete the rows; those of a server that is away are tried again, and at worst their jobs run once more."""
        if not self._count:
            return
        with self._lock:
            rows, self._rows, self._count = self._rows, {}, 0
        for server, steps in rows.items():
            try:
                outbox.finish(server, steps)
            except Error as error:
                log.warning("%d finished jobs of %s are not deleted yet: %s", len(steps), server.name, error)
                with self._lock:
                    self._rows.setdefault(server, []).extend(steps[-REMEMBERED:])
                    self._count = sum(map(len, self._rows.values()))
                    self._since = time.monotonic() + CARE_S


@dataclass
class _Running:
    job: Job
    lease_s: float
    extend_at: float


class _Leases:
    """The job in hand, whose lease the thread beside extends, so that the relay does not start it twice."""

    def __init__(self) -> None:
        self._running: _Running | None = None

    def kept(self, job: Job, lease_s: float) -> "_Leases":
        """Say which job runs; for a with block."""
        left = min(lease_s, job.leased_until - time.time())
        # One that came late is extended at the thread's next look: most are done by then.
        self._running = _Running(job, lease_s, time.monotonic() + max(0.0, left / 2))
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_exc: object) -> None:
        self._running = None

    def extend_if_due(self) -> None:
        running = self._running
        if running is None or time.monotonic() < running.extend_at:
            return
        try:
            outbox.extend(running.job, running.lease_s)
        except Error as error:
            log.warning("the lease of %s could not be extended, it may run twice: %s", running.job.task, error)
        running.extend_at = time.monotonic() + running.lease_s / 2


def outline(value: Any) -> Any:
    """Return arguments as logs may show them: ids and other numbers, but no text, and of lists the beginning."""
    match value:
        case str():
            return f"<text of {len(value)}>"
        case dict():
            return {name: outline(item) for name, item in value.items()}
        case list():
            return [outline(item) for item in value[:5]] + ([f"<{len(value) - 5} more>"] if len(value) > 5 else [])
    return value


def _put_back(job: Job, error: Exception, *, counted: bool) -> None:
    reason = f"{type(error).__name__}: {error}".partition("\n")[0][:300]
    if isinstance(error, Unavailable) and not isinstance(error, ShardBusy | ShardMoved):
        log.info("job %s(%s) waits: %s", job.task, outline(job.args), reason)
        count("jobs", task=job.task, result="postponed")
        outbox.postpone(job, reason)
        return
    # What is logged as an error goes to Sentry, once, with the job that is in hand (monitoring/sentry.py).
    count("jobs", task=job.task, result="failed")
    log.error("job %s(%s) failed", job.task, outline(job.args), exc_info=error)
    outbox.fail(job, reason, counted=counted)


def _leave_connections_clean() -> None:
    """Close what an exception left in a transaction or unusable."""
    for connection in connections.all(initialized_only=True):
        link = connection.connection
        if link is not None and (link.closed or link.info.transaction_status != TRANSACTION_STATUS_IDLE):
            connection.close()
    close_old_connections()


def _memory_mb() -> float:
    resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return resident_pages * os.sysconf("SC_PAGE_SIZE") / 2**20
