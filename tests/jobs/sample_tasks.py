"""Tasks for workers that tests start; JOBS_EXTRA_MODULES brings them there. They write to public.job_mark."""

import os
import signal
import time

from jobs import Again, NotNow, task
from sharding import main_server


def mark(note: str, number: int) -> int:
    """Write a mark, once in effect; return how often that was asked for."""
    with main_server().cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.job_mark (note, number) VALUES (%s, %s)"
            " ON CONFLICT (note, number) DO UPDATE SET runs = job_mark.runs + 1 RETURNING runs",
            [note, number],
        )
        return cursor.fetchone()[0]


@task("sample.mark", queue="network")
def write_mark(*, note: str, number: int) -> None:
    """Mark."""
    mark(note, number)


@task("sample.chain", queue="network", lease_s=1.0)
def chain(*, note: str, number: int, last: int, pause_s: float = 0.0) -> Again | None:
    """Mark one number after the other, one per batch."""
    mark(note, number)
    time.sleep(pause_s)
    return Again(number=number + 1) if number < last else None


@task("sample.slow", queue="network", lease_s=1.0)
def slow(*, note: str, seconds: float) -> None:
    """Mark the beginning with 1 and the end with 2."""
    mark(note, 1)
    time.sleep(seconds)
    mark(note, 2)


@task("sample.deadly", queue="network", lease_s=1.0)
def deadly(*, note: str) -> None:
    """Kill the worker, as a fault in a C library would."""
    mark(note, 1)
    os.kill(os.getpid(), signal.SIGKILL)


@task("sample.flaky", queue="network")
def flaky(*, note: str, fails: int) -> None:
    """Fail so many times, then work."""
    if mark(note, 1) <= fails:
        raise ZeroDivisionError


@task("sample.waits", queue="network")
def waits(*, note: str, times: int) -> None:
    """Say so many times that something needed is away."""
    if mark(note, 1) <= times:
        raise NotNow
