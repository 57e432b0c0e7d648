"""Jobs: what happens after a request. Knows no domain.

A job is a row in the outbox of the server whose transaction wrote it, so it cannot be lost with its process; Gearman
only carries it to a worker soon. docs/jobs.md tells a job's life.
"""

from .outbox import enqueue
from .tasks import Again, periodic, task

__all__ = ["Again", "enqueue", "periodic", "task"]
