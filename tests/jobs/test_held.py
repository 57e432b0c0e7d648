"""Jobs that a switch holds: they wait without losing attempts, and run when it is off."""

import itertools

import pytest

from jobs import enqueue, outbox
from jobs.worker import Worker
from sharding import ShardReadOnly, main_server, physical_servers, shards_on, writing
from tests.jobs import sample_tasks
from tests.support.switched import switched
from tests.support.waiting import wait_until

assert sample_tasks, "its tasks can be enqueued once it is imported"


def row(name, server=None):
    (found,) = outbox.rows_of(server or main_server(), task=name)
    return found


def test_a_paused_task_waits_without_losing_attempts_and_runs_once_it_may(a_task, gearmand):
    name, calls = a_task(held_by="push_paused")
    other, other_calls = a_task()
    job, its_neighbour = enqueue(name, number=1), enqueue(other, number=2)
    worker = Worker(["network"])
    with switched("push_paused"):
        worker.run_job(job)
        worker.run_job(its_neighbour)
        waiting = row(name)
        assert (waiting["attempts"], waiting["postponed"], waiting["last_error"]) == (
            0,
            1,
            "held by switch push_paused",
        )
        assert (calls, other_calls) == ([], [{"number": 2}])

    due = row(name)
    assert due["run_after"] <= due["created_at"].now(due["created_at"].tzinfo), "due at once when the switch goes off"
    (taken,) = [each for each in outbox.take_due(main_server(), most=1000) if each.task == name]
    worker.run_job(taken)
    worker.finished.flush()
    assert calls == [{"number": 1}]
    assert outbox.rows_of(main_server(), task=name) == []


@pytest.mark.parametrize(
    ("switch", "name"),
    [
        ("push_paused", "notifications.push"),
        ("push_paused", "notifications.push_summary"),
        ("push_paused", "notifications.push_post"),
        ("cross_posts_paused", "notifications.send_share"),
    ],
)
def test_what_rings_phones_and_posts_elsewhere_has_its_switch(gearmand, switch, name):
    job = enqueue(name, of="this test alone", delay_s=60)
    try:
        with switched(switch):
            Worker(["network"]).run_job(job)
            (waiting,) = [each for each in outbox.rows_of(main_server(), task=name) if each["id"] == job.row_id]
            assert (waiting["attempts"], waiting["last_error"]) == (0, f"held by switch {switch}")
    finally:
        outbox.finish(main_server(), [(job.row_id, job.step)])


def test_jobs_of_a_read_only_server_wait_others_run_and_a_cache_is_still_emptied(a_task, gearmand):
    writes, written = a_task()
    only_tells, told = a_task(writes=False)
    shard_a, shard_b = physical_servers()
    there, here = next(shards_on(shard_a)), next(shards_on(shard_b))
    jobs = [enqueue(writes, on=there, of="a"), enqueue(writes, on=here, of="b"), enqueue(only_tells, on=there)]
    worker = Worker(["network"])
    with switched("read_only", "shard_a"):
        for job in jobs:
            worker.run_job(job)
        assert (written, told) == ([{"of": "b"}], [{}])
        assert row(writes, shard_a)["last_error"] == "held by switch read_only"
    worker.finished.flush()
    worker.run_job(jobs[0])
    assert written == [{"of": "b"}, {"of": "a"}]
    worker.finished.flush()


def test_a_job_that_touches_a_read_only_shard_comes_again_later(a_task, gearmand):
    shard = next(shards_on(physical_servers()[0]))
    done = []

    def touch(**_):
        with shard.cursor() as cursor:
            cursor.execute("SELECT 1")
        done.append(True)

    name, _ = a_task(touch)
    job, worker = enqueue(name), Worker(["network"])
    with switched("read_only", str(shard.number)):
        worker.run_job(job)
        assert not done
        waiting = row(name)
        assert (waiting["attempts"], waiting["postponed"]) == (0, 1)
        assert waiting["last_error"].startswith(ShardReadOnly.__name__)
        writing.check(shard.server, None)  # the server itself may be written to
        with shard.cursor() as cursor:  # and whoever is no job may read
            cursor.execute("SELECT 1")
    worker.run_job(job)
    assert done == [True]
    worker.finished.flush()


def test_a_worker_process_holds_what_is_paused_and_goes_on_afterwards(processes, marks, gearmand):
    processes.worker()
    processes.relay()
    enqueue("sample.mark", note=marks.note, number=1)
    wait_until(lambda: marks.numbers() == [1], seconds=30, what="the worker works")
    numbers = itertools.count(2)

    def one_is_held():
        enqueue("sample.mark", note=marks.note, number=next(numbers))
        return [each for each in outbox.rows_of(main_server(), task="sample.mark") if each["postponed"]]

    with switched("read_only"):
        wait_until(one_is_held, seconds=10, what="the worker knows")
    whole = list(range(1, next(numbers)))
    wait_until(lambda: marks.numbers() == whole, seconds=30, what="all are done")
    assert {runs for _, runs in marks.all()} == {1}
