"""For tests and one-off commands: run what is in the outboxes here and now, without gearmand."""

from sharding import all_servers

from . import outbox
from .outbox import Job
from .tasks import Again, registry


def run_until_idle(*, max_jobs: int = 10_000) -> int:
    """Run every job of every outbox, leased or delayed or not, until none is left; return how many.

    Raises what a task raises; that job rests as a dead letter then. Jobs of tasks that this process does not know
    (another's, in shared databases) stay. Takes nothing: a worker or another test at the same rows does no harm.
    """
    ran = 0
    while True:
        tasks = list(registry)
        jobs = [job for server in all_servers() for job in outbox.jobs_of(server, tasks=tasks, most=500)]
        if not jobs:
            return ran
        for job in jobs:
            if ran >= max_jobs:
                raise RuntimeError(f"still jobs after {max_jobs}: {sorted({job.task for job in jobs})}")
            _run(job)
            ran += 1


def _run(job: Job) -> None:
    try:
        result = registry[job.task].run(**job.args)
    except Exception as error:
        outbox.bury(job, f"{type(error).__name__} in run_until_idle", attempts=job.attempts + 1)
        raise
    if isinstance(result, Again):
        outbox.go_on(job, result)
    else:
        outbox.finish(job.server, [(job.row_id, job.step)])
