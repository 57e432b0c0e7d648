"""On whose behalf something happens: the request that asked for it, and the job that does it."""

from contextvars import ContextVar
from typing import TYPE_CHECKING

from instagram.tracing import request_id

if TYPE_CHECKING:
    from .outbox import Job

__all__ = ["current_job", "request_id"]

#: The job that a worker runs now, for tasks that keep account of themselves; None outside workers.
current_job: ContextVar["Job | None"] = ContextVar("current_job", default=None)
