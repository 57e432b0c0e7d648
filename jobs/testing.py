"""For tests and one-off commands: run what is in the outboxes here and now, without gearmand."""

from sharding import all_servers

from . import outbox
from .outbox import Job
from .tasks import Again, registry


def run_until_idle(*, max_jobs: int = 10_000) -> int:
    """Run every job of every outbox, leased or not, until none is left; return how many. Raises what a task raises."""
    ran = 0
    while ran < max_jobs:
        jobs = [job for server in all_servers() for job in outbox.take_due(server, most=500, ignore_leases=True)]
        if not jobs:
            return ran
        for job in jobs:
            _run(job)
            ran += 1
    raise RuntimeError(f"still jobs after {max_jobs}")


def _run(job: Job) -> None:
    task = registry[job.task]
    while isinstance(result := task.run(**job.args), Again):
        next_job = outbox.go_on(job, result)
        if next_job is None:
            return
        job = next_job
    outbox.finish(job.server, [job.row_id])
