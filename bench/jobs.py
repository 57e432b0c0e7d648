"""Enqueueing a job, a worker's jobs per second beside the bare client library, a small account beside a very large one.

Ours: a job is a row that commits with its write, is submitted after the commit and deleted when done. Bare: pygearman's
client and worker alone, which lose jobs with gearmand. Both use the same gearmand, whose queue is in memory.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from gearman import GearmanClient, GearmanWorker
from gearman.job import GearmanJob

from bench.framework import Grid, Result, Row, interleaved, median_ratio
from bench.posting import deliver, last_served, load_followers, post, wait_for, worker
from bench.scratch import data_centre
from feeds.progress import progress_of
from jobs import enqueue, enqueue_many, gearman, outbox, task
from jobs.worker import Worker
from photos.models import Photo
from sharding import counters, shard_of

NOOP, BARE = "bench.noop", b"bench:bare.noop"
#: Arguments of a job: 200 bytes as JSON.
ARGUMENTS = {"text": "x" * 189}
#: A small and a very large account, whose followers' ids begin here.
SMALL, LARGE = 1, 2
FIRST_FOLLOWER, SMALL_FOLLOWERS = 1_000_000, 100


@task(NOOP, queue="network")
def noop(*, text: str) -> None:
    """Do nothing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sizes."""
    parser.add_argument("--jobs", type=int, default=5_000, help="jobs in one round through the worker")
    parser.add_argument("--enqueues", type=int, default=1_000, help="transactions with one job each")
    parser.add_argument("--followers", type=int, default=1_000_000, help="of the very large account")
    parser.add_argument("--posts", type=int, default=60, help="posts of the small account, with nothing else to do")
    parser.add_argument("--rounds", type=int, default=7)


def run(options: Any) -> Result:
    """Measure the three."""
    with data_centre() as environment:
        submitted = _submits(options.enqueues)
        _drain()
        taken = interleaved(
            {"ours": lambda: _ours(options.jobs), "bare": lambda: _bare(options.jobs)}, rounds=options.rounds
        )
        options.console.print(f"loading {options.followers:,} followers …", highlight=False)
        lane = _lane(environment, options.followers, options.posts)
    return _told(options, submitted, taken, lane)


#: Seconds of small posts alone and beside the large one, of the large one, and what of it was rest.
Lane = tuple[list[float], list[float], float, float]


def _told(options: Any, submitted: dict[str, list[float]], taken: dict[str, list[float]], lane: Lane) -> Result:
    idle, beside, large_s, rested_s = lane
    rate = {name: options.jobs / statistics.median(seconds) for name, seconds in taken.items()}
    milliseconds = {name: [each * 1000 for each in times] for name, times in submitted.items()}
    p95 = {name: _percentile(times, 95) for name, times in milliseconds.items()}
    delay = statistics.median(beside) / statistics.median(idle)
    return Result(
        rows=[
            Row("jobs per second through one worker", rate["ours"], rate["bare"], None, rate["ours"] / rate["bare"]),
            Row(
                "enqueue p50, ms",
                statistics.median(milliseconds["enqueue"]),
                statistics.median(milliseconds["bare submit"]),
            ),
            Row("enqueue p95, ms", p95["enqueue"], p95["bare submit"]),
            Row("of it enqueue() itself, p95, ms", p95["of it enqueue()"]),
        ],
        grids=[
            Grid(
                f"Post of an account with {SMALL_FOLLOWERS} followers, commit to the last inbox row, ms",
                ["", "median", "p95", "posts"],
                [
                    [name, statistics.median(times) * 1000, _percentile(times, 95) * 1000, len(times)]
                    for name, times in (
                        ("nothing else", idle),
                        (f"while a photo of {options.followers:,} followers is delivered", beside),
                    )
                ],
            ),
            Grid(
                f"The photo of {options.followers:,} followers",
                ["", "s"],
                [["until the last inbox row", large_s], ["of it resting", rested_s]],
            ),
        ],
        ratios={
            # Rates, so the other way round than seconds.
            "of_bare_gearman": median_ratio(taken, "bare", "ours"),
            "enqueue_p95_ms": p95["enqueue"],
            "x_small_delay_under_celebrity": delay,
        },
        bars={"enqueue_p95_ms": 10.0, "x_small_delay_under_celebrity": 2.0},
        floors={"of_bare_gearman": 0.6},
        how=[
            "Jobs have 200 bytes of arguments; gearmand keeps its queue in memory for both.",
            f"Worker: {options.jobs:,} no-ops wait in gearmand; from a worker's start, in this process, to its end.",
            "Ours with rows in an outbox, deleted in batches; none is left at the end.",
            f"{options.rounds} rounds, interleaved; medians; the ratio is the median of the ratios within a round.",
            "Enqueue: from its call in a transaction until that is committed (on disk) and gearmand has the job.",
            "The INSERT of a photo in the same transaction is not counted. Bare: one background submit.",
            "Lane: one worker of the feed queue, one of feed_large.",
            "The small account posts again and again while the large one's photo is on its way.",
        ],
        figures={"seconds": taken, "submits": p95, "idle": idle, "beside": beside},
    )


# --- Enqueueing ------------------------------------------------------------------------------------------------------


def _submits(number: int) -> dict[str, list[float]]:
    """Return the seconds of each enqueue as part of a transaction, of its call alone, and of a bare submit."""
    shard = shard_of(SMALL)
    client = GearmanClient(settings.GEARMAND_SERVERS)
    taken: dict[str, list[float]] = {"enqueue": [], "of it enqueue()": [], "bare submit": []}
    for _ in range(number):
        with shard.atomic():
            shard.model(Photo).objects.create(author_id=SMALL, image_stem="0" * 32)
            began = time.perf_counter()
            enqueue(NOOP, on=shard, **ARGUMENTS)
            called = time.perf_counter()
        taken["enqueue"].append(time.perf_counter() - began)
        taken["of it enqueue()"].append(called - began)
        began = time.perf_counter()
        client.submit_job(BARE, b"x" * 200, background=True, wait_until_complete=False, poll_timeout=5.0)
        taken["bare submit"].append(time.perf_counter() - began)
    client.shutdown()
    return taken


def _drain() -> None:
    """Do what the enqueues left, and drop the rows of what gearmand did not take in time: here is no relay."""
    # Some are still on their way when the others are done.
    while waiting := _waiting(NOOP):
        Worker(["network"], max_jobs=waiting).run()
    _work_bare(_waiting("bare.noop"))
    server = shard_of(SMALL).server
    outbox.finish(server, [(job.row_id, job.step) for job in outbox.jobs_of(server, tasks=[NOOP], most=10_000)])


def _waiting(task: str) -> int:
    """Return how many jobs wait, in all gearmands together."""
    lengths = [gearman.queue_lengths(address) for address in settings.GEARMAND_SERVERS]
    return sum(length[task][0] for length in lengths if task in length)


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


# --- Working ---------------------------------------------------------------------------------------------------------


def _ours(number: int) -> float:
    """Return the seconds of one worker for so many jobs."""
    shard = shard_of(SMALL)
    for start in range(0, number, 500):
        enqueue_many(NOOP, [ARGUMENTS] * min(500, number - start), on=shard, delay_s=600)
    # Submitted all together, without the 50 ms that a request allows.
    jobs = outbox.jobs_of(shard.server, tasks=[NOOP], most=number)
    left = gearman.submit(jobs, timeout_s=30.0)
    assert (len(jobs), left) == (number, []), (len(jobs), len(left))
    began = time.perf_counter()
    Worker(["network"], max_jobs=number).run()
    took = time.perf_counter() - began
    assert outbox.rows_of(shard.server, task=NOOP) == []
    return took


def _bare(number: int) -> float:
    """Return the seconds of the library's own worker for so many jobs."""
    client = GearmanClient(settings.GEARMAND_SERVERS)
    jobs = [{"task": BARE, "data": b"x" * 200} for _ in range(number)]
    client.submit_multiple_jobs(jobs, background=True, wait_until_complete=False, poll_timeout=30.0)
    client.shutdown()
    began = time.perf_counter()
    _work_bare(number)
    return time.perf_counter() - began


def _work_bare(number: int) -> None:
    class Bare(GearmanWorker):
        done = 0

        def after_job(self) -> bool:
            return self.done < number

    def nothing(bare: Bare, _job: GearmanJob) -> bytes:
        bare.done += 1
        return b""

    if number:
        bare = Bare(settings.GEARMAND_SERVERS)
        bare.register_task(BARE, nothing)
        bare.work(poll_timeout=0.1)
        bare.shutdown()
        assert bare.done == number, bare.done


# --- The lane of large accounts --------------------------------------------------------------------------------------


def _lane(environment: dict[str, str], followers: int, posts: int) -> Lane:
    """Return seconds of small posts alone and beside the large one, of the large one, and what of it was rest."""
    small = range(FIRST_FOLLOWER, FIRST_FOLLOWER + SMALL_FOLLOWERS)
    many = range(FIRST_FOLLOWER, FIRST_FOLLOWER + followers)
    load_followers(SMALL, small)
    for start in range(0, followers, 50_000):  # one statement may take 5 s
        load_followers(LARGE, many[start : start + 50_000])
    for author_id, number in ((SMALL, len(small)), (LARGE, followers)):
        counters.add(shard_of(author_id), counters.USER_FOLLOWED_BY, author_id, number)
    with worker(environment, "feed"), worker(environment, "feed_large"):
        deliver(SMALL, small)  # the workers are there and warm
        _let_be_delivered(LARGE, many)
        idle = [deliver(SMALL, small)[1] for _ in range(posts)]
        photo_id, committed = post(LARGE)
        beside: list[float] = []
        for _ in _until_finished(photo_id):
            beside.append(deliver(SMALL, small)[1])
        large_s = time.perf_counter() - committed
    progress = progress_of(photo_id)
    assert progress and progress.done == followers, progress
    for last in last_served(many):
        wait_for(shard_of(last), last, photo_id)
    worked = sum((batch.done_at - batch.begun_at).total_seconds() for batch in progress.batches if batch.done_at)
    return idle, beside, large_s, max(0.0, large_s - worked)


def _let_be_delivered(author_id: int, followers: range) -> None:
    """Deliver one photo to everybody first: the second finds inboxes and catalogues as they usually are."""
    photo_id, _ = post(author_id)
    for _ in _until_finished(photo_id):
        time.sleep(0.05)


def _until_finished(photo_id: int) -> Iterator[None]:
    while True:
        progress = progress_of(photo_id)
        if progress and progress.finished_at:
            return
        yield
