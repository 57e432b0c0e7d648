"""The worker: runs the tasks of one or more queues, one at a time.

gearmand hands a job out again when its worker dies, but drops it when the task raises: so this loop catches,
logs name and arguments, and puts the job back into the outbox for later.
"""

import logging
import resource
import signal
import threading
import time
from types import FrameType

import gearman.errors
import sentry_sdk
from django.conf import settings
from django.db import OperationalError, close_old_connections

from sharding import Server, ShardUnavailable

from . import gearman as gearmand
from . import outbox
from .outbox import Job
from .tasks import Again, registry

log = logging.getLogger(__name__)

#: Rows of finished jobs are deleted together: this many, or after this many seconds.
FLUSH_ROWS, FLUSH_S = 100, 0.05
#: Seconds between looks at the stop signal while there is nothing to do.
POLL_S = 0.05


class Worker:
    """Runs jobs until told to stop, or until a limit on jobs or memory (MB) is reached."""

    def __init__(self, queues: list[str], *, max_jobs: int = 0, max_memory_mb: int = 0) -> None:
        self.names = [task.name for task in registry.values() if task.queue in queues]
        self.max_jobs, self.max_memory_mb = max_jobs, max_memory_mb
        self.jobs_done = 0
        self.stopping = False
        self._finished: dict[Server, list[int]] = {}
        self._oldest_finish = 0.0

    def run(self) -> None:
        """Work until stopped; reconnects to gearmand for as long as that takes."""
        while not self.stopping:
            worker = gearmand.Worker(self.names, self._run_payload, self._between)
            try:
                worker.work(poll_timeout=POLL_S)
            except (gearman.errors.GearmanError, OSError, KeyError, AssertionError) as error:
                log.info("gearmand is away (%s); trying again", type(error).__name__)
                self._flush()
                time.sleep(0.5)
            finally:
                worker.shutdown()
        self._flush()

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Finish the job in hand and take no more."""
        self.stopping = True

    def install_signals(self) -> None:
        """Stop gracefully on SIGTERM and SIGINT."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)

    def _run_payload(self, payload: bytes) -> None:
        close_old_connections()
        self._done(run_job(Job.of_payload(payload)))

    def _done(self, finished: Job | None) -> None:
        self.jobs_done += 1
        if finished is not None:
            if not self._finished:
                self._oldest_finish = time.monotonic()
            self._finished.setdefault(finished.server, []).append(finished.row_id)

    def _between(self) -> bool:
        waiting = sum(len(rows) for rows in self._finished.values())
        if waiting >= FLUSH_ROWS or (waiting and time.monotonic() - self._oldest_finish > FLUSH_S):
            self._flush()
        if self.max_jobs and self.jobs_done >= self.max_jobs:
            self.stopping = True
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        if self.max_memory_mb and memory_mb > self.max_memory_mb:
            log.info("stopping at %d MB; a fresh worker takes over", memory_mb)
            self.stopping = True
        return not self.stopping

    def _flush(self) -> None:
        finished, self._finished = self._finished, {}
        for server, rows in finished.items():
            try:
                outbox.finish(server, rows)
            except OperationalError:
                log.warning("%d finished jobs on %s will run once more: its server is away", len(rows), server.name)


def run_job(job: Job) -> Job | None:
    """Run one job; return it if its row can be deleted, None if it goes on or failed."""
    task = registry.get(job.task)
    if task is None:
        _put_back(job, "no such task in this worker's code", counts=True)
        return None
    try:
        with _Lease(job, task.lease_s):
            result = task.run(**job.args)
        if isinstance(result, Again):
            next_job = outbox.go_on(job, result)
            if next_job is not None:
                gearmand.submit([next_job], timeout_s=1.0)
            return None
    except ShardUnavailable as error:
        _put_back(job, f"{error.server_name} unavailable", counts=False)
        return None
    except Exception as error:  # whatever a task raises, the worker goes on
        log.exception("job %s(%s) failed", job.task, job.args)
        sentry_sdk.capture_exception(error)
        _put_back(job, f"{type(error).__name__}: {error}"[:500], counts=True)
        return None
    return job


def _put_back(job: Job, reason: str, *, counts: bool) -> None:
    try:
        outbox.fail(job, reason, counts=counts)
    except OperationalError:
        log.warning("job %s stays leased: the server of its outbox is away", job.task)


class _Lease:
    """Extends a running job's lease at half time, from a thread, so that the relay does not start it twice."""

    def __init__(self, job: Job, seconds: float) -> None:
        self.job, self.seconds = job, seconds
        # A first lease is JOBS_LEASE_S; longer jobs ask for their own before that is over.
        self.timer = threading.Timer(min(seconds, settings.JOBS_LEASE_S) / 2, self._extend)
        self.timer.daemon = True

    def __enter__(self) -> None:
        self.timer.start()

    def __exit__(self, *_exc: object) -> None:
        self.timer.cancel()

    def _extend(self) -> None:
        try:
            outbox.extend(self.job.server, self.job.row_id, self.seconds)
        except OperationalError:
            log.info("a lease could not be extended; the job may run twice")
        finally:
            close_old_connections()
        self.timer = threading.Timer(self.seconds / 2, self._extend)
        self.timer.daemon = True
        self.timer.start()
