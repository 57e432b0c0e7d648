"""Jobs commit with the write they belong to, and run until they are done."""

import itertools

import pytest

from jobs import Again, enqueue, outbox, task
from jobs.relay import Relay
from jobs.tasks import registry
from jobs.testing import run_until_idle
from jobs.worker import Worker, run_job
from sharding import main_server, physical_servers, shard_of
from tests.support.waiting import wait_until

_names = (f"test.task_{number}" for number in itertools.count())


@pytest.fixture
def a_task():
    """Register a function as a task for one test; return its name and the list of its calls."""
    made = []

    def make(run=lambda **args: None, **options):
        name, calls = next(_names), []

        @task(name, **options)
        def noted(**args):
            calls.append(args)
            return run(**args)

        made.append(name)
        return name, calls

    yield make
    for name in made:
        del registry[name]


def rows_of(name, server=None):
    with (server or main_server()).cursor() as cursor:
        cursor.execute("SELECT id, args, attempts, last_error FROM local.outbox WHERE task = %s", [name])
        return cursor.fetchall()


@pytest.mark.parametrize("server", [main_server(), *physical_servers()], ids=lambda server: server.name)
def test_a_job_is_stored_on_the_server_of_its_write_and_gone_when_done(a_task, server):
    name, calls = a_task()
    enqueue(name, on=server, number=5)
    assert len(rows_of(name, server)) == 1

    run_until_idle()

    assert calls == [{"number": 5}]
    assert rows_of(name, server) == []


def test_a_write_that_is_rolled_back_leaves_no_job(a_task):
    name, calls = a_task()
    with pytest.raises(ZeroDivisionError), shard_of(3).atomic():
        enqueue(name, on=shard_of(3))
        1 / 0  # noqa: B018

    run_until_idle()

    assert calls == []


def test_a_committed_job_is_submitted_to_gearmand_and_run_by_a_worker(a_task):
    name, calls = a_task(queue="network")
    with shard_of(3).atomic():
        enqueue(name, on=shard_of(3), number=7)

    Worker(["network"], max_jobs=1).run()

    assert calls == [{"number": 7}]
    assert rows_of(name, shard_of(3).server) == []


def test_a_job_whose_submit_was_lost_is_submitted_by_the_relay(a_task, settings):
    name, calls = a_task(queue="network")
    gearmands, settings.GEARMAND_SERVERS = settings.GEARMAND_SERVERS, ["127.0.0.1:1"]
    enqueue(name, number=8)
    settings.GEARMAND_SERVERS = gearmands
    with main_server().cursor() as cursor:
        cursor.execute("UPDATE local.outbox SET run_after = now() WHERE task = %s", [name])

    Relay().cycle()
    Worker(["network"], max_jobs=1).run()

    assert calls == [{"number": 8}]


def test_a_chained_job_goes_on_where_its_stored_cursor_says(a_task):
    name, calls = a_task(lambda at, most: Again(at=at + 1) if at < most else None)
    enqueue(name, at=1, most=3)

    run_until_idle()

    assert [call["at"] for call in calls] == [1, 2, 3]
    assert rows_of(name) == []


def test_a_failing_job_waits_for_its_next_attempt_and_says_why(a_task):
    name, _ = a_task(lambda: 1 / 0)
    job = enqueue(name)

    assert run_job(job) is None

    ((_, _, attempts, last_error),) = rows_of(name)
    assert (attempts, last_error) == (1, "ZeroDivisionError: division by zero")
    outbox.finish(main_server(), [job.row_id])


def test_a_job_that_fails_too_often_rests_as_a_dead_letter_and_can_be_requeued(a_task, settings):
    settings.JOBS_MAX_ATTEMPTS = 1
    name, calls = a_task(lambda well: None if well else 1 / 0)
    job = enqueue(name, well=False)
    run_job(job)
    assert rows_of(name) == []
    (letter,) = [letter for letter in outbox.dead_letters(main_server()) if letter["task"] == name]
    assert letter["last_error"].startswith("ZeroDivisionError")

    assert outbox.requeue(main_server(), [letter["id"]]) == 1

    ((row_id, *_),) = rows_of(name)
    assert row_id != job.row_id
    assert len(calls) == 1
    outbox.finish(main_server(), [row_id])


def test_a_job_of_a_task_that_this_code_does_not_know_is_put_back():
    job = enqueue("test.of_another_release")

    assert run_job(job) is None

    ((row_id, _, attempts, last_error),) = rows_of("test.of_another_release")
    assert (attempts, last_error) == (1, "no such task in this worker's code")
    outbox.finish(main_server(), [row_id])


def test_a_long_job_keeps_its_lease(a_task, settings):
    settings.JOBS_LEASE_S = 0.2

    def until_extended():
        with main_server().cursor() as cursor:
            cursor.execute("SELECT run_after FROM local.outbox WHERE task = %s", [name])
            (first,) = cursor.fetchone()

        def extended():
            with main_server().cursor() as cursor:
                cursor.execute("SELECT run_after > %s FROM local.outbox WHERE task = %s", [first, name])
                return cursor.fetchone()[0]

        wait_until(extended)

    name, calls = a_task(until_extended, lease_s=30)
    job = enqueue(name)

    assert run_job(job) == job

    assert len(calls) == 1
    outbox.finish(main_server(), [job.row_id])
