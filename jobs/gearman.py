"""pygearman, with its faults wrapped once.

What it does wrong and what stands against it here (pygearman 0.2.6): a client that met any exception answers
nonsense later (dropped); after gearmand's restart the first submit fails (once more, on a fresh client); a hung
server blocks for ever without poll_timeout (always given) and is no exception with it (the state is looked at); it is
neither thread- nor fork-safe (one client per process and thread); task names arrive as bytes; a job that returns
anything but bytes kills the worker.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import gearman
from django.conf import settings
from gearman.constants import JOB_CREATED

if TYPE_CHECKING:
    from .outbox import Job

log = logging.getLogger(__name__)

_local = threading.local()
_pause_until = 0.0


def function_name(task: str) -> bytes:
    """Return a task's name on gearmand."""
    return (settings.JOBS_NAMESPACE + task).encode()


def submit_soon(jobs: Iterable["Job"]) -> bool:
    """Submit in a request: at most JOBS_SUBMIT_TIMEOUT_MS, not at all for a while after a failure. Never raises."""
    global _pause_until  # noqa: PLW0603  # the process's one pause
    if time.monotonic() < _pause_until:
        return False
    if submit(jobs, timeout_s=settings.JOBS_SUBMIT_TIMEOUT_MS / 1000):
        return True
    _pause_until = time.monotonic() + settings.JOBS_SUBMIT_PAUSE_S
    return False


def submit(jobs: Iterable["Job"], *, timeout_s: float) -> bool:
    """Submit jobs in the background; True when gearmand has them all. Never raises."""
    wanted = [{"task": function_name(job.task), "data": job.payload(), "unique": None} for job in jobs]
    moment = time.monotonic() + timeout_s
    for _ in range(2):
        left = moment - time.monotonic()
        if left <= 0:
            break
        try:
            requests = _client().submit_multiple_jobs(
                wanted, background=True, wait_until_complete=False, max_retries=1, poll_timeout=left
            )
            if all(request.state == JOB_CREATED for request in requests):
                return True
            _drop_client()
        except Exception as error:  # the library raises KeyError and TypeError as well as its own
            _drop_client()
            log.info("gearmand took no job: %s", type(error).__name__)
    return False


def _client() -> Any:
    key = os.getpid(), tuple(settings.GEARMAND_SERVERS)
    if getattr(_local, "key", None) != key:
        _local.client, _local.key = gearman.GearmanClient(settings.GEARMAND_SERVERS), key
    return _local.client


def _drop_client() -> None:
    client = getattr(_local, "client", None)
    _local.key = None
    if client is not None:
        try:
            client.shutdown()
        except Exception as error:  # it is being thrown away
            log.debug("dropping a gearman client: %s", error)


class Worker(gearman.GearmanWorker):
    """A Gearman worker that calls `between()` after every job and poll, and stops when that returns False."""

    def __init__(self, names: Iterable[str], run: Callable[[bytes], None], between: Callable[[], bool]) -> None:
        super().__init__(settings.GEARMAND_SERVERS)
        self._between = between

        def callback(_worker: Any, job: Any) -> bytes:
            run(job.data if isinstance(job.data, bytes) else job.data.encode())
            return b""

        for name in names:
            self.register_task(function_name(name), callback)

    def after_poll(self, any_activity: bool) -> bool:
        """Go on or stop; called by the library."""
        return self._between()

    def after_job(self) -> bool:
        """Go on or stop; called by the library."""
        return self._between()
