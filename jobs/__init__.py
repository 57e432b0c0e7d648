"""Jobs: what happens after a request. Knows no domain.

A job is a row in the outbox of the server whose transaction wrote it, so it cannot be lost with its process; Gearman
only carries it to a worker soon. docs/jobs.md tells a job's life.
"""

from .context import current_job, request_id
from .outbox import enqueue, enqueue_many
from .tasks import Again, NotNow, UnknownTask, periodic, task

__all__ = [
    "Again",
    "NotNow",
    "UnknownTask",
    "current_job",
    "enqueue",
    "enqueue_many",
    "periodic",
    "request_id",
    "task",
]
