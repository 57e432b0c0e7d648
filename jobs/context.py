"""On whose behalf something happens: the request that asked for it, and the job that does it."""

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .outbox import Job

#: Set by the door; travels with the jobs that the request enqueues, and with those that they enqueue. For logs alone.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
#: The job that a worker runs now, for tasks that keep account of themselves; None outside workers.
current_job: ContextVar["Job | None"] = ContextVar("current_job", default=None)
