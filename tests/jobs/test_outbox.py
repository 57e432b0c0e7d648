"""Jobs commit with the write they belong to, and run until they are done."""

import time
from dataclasses import replace

import pytest
from django.db import transaction
from django.utils import timezone

from jobs import Again, NotNow, UnknownTask, dead_letters, enqueue, enqueue_many, outbox, request_id
from jobs.relay import Relay
from jobs.testing import run_until_idle
from jobs.worker import SUSPECT_SUBMITS, Worker, outline
from sharding import ShardBusy, ShardUnavailable, all_servers, main_server, shard_of
from tests.support.waiting import wait_until


def rows_of(name, server=None):
    return outbox.rows_of(server or main_server(), task=name)


def row_of(name):
    (row,) = rows_of(name)
    return row


def letters_of(name):
    return dead_letters.latest(main_server(), task=name)


def run_out(name, server=None):
    """Let the leases of a task's jobs run out."""
    with (server or main_server()).cursor() as cursor:
        cursor.execute("UPDATE local.outbox SET run_after = clock_timestamp() WHERE task = %s", [name])


def work(jobs=1):
    Worker(["network"], max_jobs=jobs).run()


# --- Enqueueing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("server", all_servers(), ids=lambda server: server.name)
def test_a_job_is_stored_on_the_server_of_its_write_and_gone_when_done(a_task, server):
    name, calls = a_task()
    enqueue(name, on=server, number=5)
    assert len(rows_of(name, server)) == 1

    run_until_idle()

    assert calls == [{"number": 5}]
    assert rows_of(name, server) == []


def test_a_write_that_is_rolled_back_leaves_no_job(a_task, gearmand):
    name, _ = a_task()
    with pytest.raises(ZeroDivisionError), shard_of(3).atomic():
        enqueue(name, on=shard_of(3))
        1 / 0  # noqa: B018  # it is to fail, not to be used

    assert rows_of(name, shard_of(3).server) == []
    assert gearmand.waiting(name) == 0


def test_a_committed_job_is_submitted_to_gearmand_and_run_by_a_worker(a_task, gearmand):
    name, calls = a_task()
    with shard_of(3).atomic():
        enqueue(name, on=shard_of(3), number=7)
        assert gearmand.waiting(name) == 0
    assert gearmand.waiting(name) == 1

    work()

    assert calls == [{"number": 7}]
    assert rows_of(name, shard_of(3).server) == []


def test_a_savepoint_that_is_rolled_back_takes_its_jobs_along_and_no_others(a_task, gearmand):
    name, calls = a_task()
    with shard_of(3).atomic():
        enqueue(name, on=shard_of(3), number=1)
        with shard_of(3).atomic():
            enqueue(name, on=shard_of(3), number=2)
        with pytest.raises(ZeroDivisionError), shard_of(3).atomic():
            enqueue(name, on=shard_of(3), number=3)
            1 / 0  # noqa: B018  # it is to fail, not to be used
    assert gearmand.waiting(name) == 2

    work(jobs=2)

    assert sorted(call["number"] for call in calls) == [1, 2]


def test_a_transaction_rolled_back_does_not_hold_up_the_jobs_of_the_next(a_task, gearmand):
    name, _ = a_task()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue(name, number=1)
        1 / 0  # noqa: B018  # it is to fail, not to be used

    with transaction.atomic():
        enqueue(name, number=2)
        enqueue(name, number=3)

    assert gearmand.waiting(name) == 2


def test_many_jobs_keep_the_order_they_were_given_in(a_task, gearmand):
    name, calls = a_task()

    jobs = enqueue_many(name, [{"number": number} for number in range(50)])

    assert [job.row_id for job in jobs] == sorted(job.row_id for job in jobs)
    assert [row["args"]["number"] for row in rows_of(name)] == list(range(50))
    work(jobs=50)
    assert [call["number"] for call in calls] == list(range(50))


def test_a_task_that_nobody_registered_cannot_be_enqueued():
    with pytest.raises(UnknownTask, match=r"test\.mistyped"):
        enqueue("test.mistyped")


def test_a_dead_gearmand_costs_the_request_little_and_the_job_nothing(a_task, gearmand):
    name, calls = a_task()
    gearmand.kill()

    began = time.monotonic()
    for number in range(20):
        enqueue(name, number=number)
    assert time.monotonic() - began < 1.0

    gearmand.start()
    run_out(name)
    assert Relay().relay(main_server()) is False
    work(jobs=20)
    assert sorted(call["number"] for call in calls) == list(range(20))


def test_a_delayed_job_is_the_relays_to_submit(a_task, gearmand):
    name, _ = a_task()
    enqueue(name, delay_s=60)
    Relay().relay(main_server())
    assert gearmand.waiting(name) == 0

    run_out(name)
    Relay().relay(main_server())

    assert gearmand.waiting(name) == 1


def test_delayed_jobs_can_be_hastened_and_others_keep_their_time(a_task):
    name, _ = a_task()
    enqueue_many(name, [{"thing": 1}, {"thing": 2}], delay_s=600)
    enqueue(name, delay_s=20, thing=1)
    begun = enqueue(name, thing=1)
    outbox.go_on(begun, Again(delay_s=600))

    outbox.hasten(main_server(), tasks=[name], argument="thing", value=1, within_s=60)

    waits = [round((row["run_after"] - timezone.now()).total_seconds(), -1) for row in rows_of(name)]
    assert waits == [60, 600, 20, 600]


def test_the_request_that_asked_for_a_job_is_known_to_the_jobs_it_leads_to(a_task, gearmand):
    name, _ = a_task(lambda deeper: enqueue(name, deeper=deeper - 1) and None if deeper else None)
    token = request_id.set("request-1")
    try:
        enqueue(name, deeper=1)
    finally:
        request_id.reset(token)

    work()

    assert row_of(name)["request_id"] == "request-1"


# --- The relay -------------------------------------------------------------------------------------------------------


def test_a_job_whose_submit_was_lost_is_submitted_by_the_relay(a_task, gearmand):
    name, calls = a_task()
    enqueue(name, number=8)
    gearmand.restart()
    run_out(name)

    Relay().relay(main_server())
    work()

    assert calls == [{"number": 8}]


def test_a_job_that_still_waits_in_gearmand_is_not_doubled_by_the_relay(a_task, gearmand):
    name, _ = a_task()
    enqueue(name)

    for _ in range(3):
        run_out(name)
        Relay().relay(main_server())

    assert gearmand.waiting(name) == 1


def test_the_relay_waits_longer_each_time_it_submits_a_job(a_task, gearmand, settings):
    settings.JOBS_LEASE_S = 10
    name, _ = a_task()
    enqueue(name)
    leases = []

    for _ in range(5):
        run_out(name)
        Relay().relay(main_server())
        row = row_of(name)
        with main_server().cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM %s - clock_timestamp())::float", [row["run_after"]])
            leases.append(cursor.fetchone()[0])

    assert leases == pytest.approx([10, 20, 40, 60, 60], abs=2)


def test_no_lease_is_spent_while_gearmand_is_away(a_task, gearmand):
    name, _ = a_task()
    enqueue(name)
    gearmand.kill()
    run_out(name)

    for _ in range(3):
        Relay().relay(main_server())

    assert row_of(name)["submits"] == 0
    gearmand.start()
    Relay().relay(main_server())
    assert gearmand.waiting(name) == 1


def test_a_job_in_hand_is_not_the_relays(a_task, gearmand):
    name, _ = a_task()
    enqueue(name)
    gearmand.restart()

    Relay().relay(main_server())

    assert gearmand.waiting(name) == 0


# --- Running ---------------------------------------------------------------------------------------------------------


def test_a_chained_job_goes_on_where_its_stored_cursor_says(a_task, gearmand):
    name, calls = a_task(lambda at, most: Again(at=at + 1) if at < most else None)
    enqueue(name, at=1, most=3)

    work(jobs=2)
    assert row_of(name)["args"] == {"at": 3, "most": 3}
    work()

    assert [call["at"] for call in calls] == [1, 2, 3]
    assert rows_of(name) == []


def test_a_chained_job_may_pause_between_batches(a_task, gearmand):
    name, calls = a_task(lambda at: Again(at=at + 1, delay_s=60) if at < 2 else None)
    enqueue(name, at=1)
    work()
    assert gearmand.waiting(name) == 0

    run_out(name)
    Relay().relay(main_server())
    work()

    assert [call["at"] for call in calls] == [1, 2]


def test_a_batch_that_comes_late_does_not_set_a_chain_back(a_task):
    name, calls = a_task(lambda at, most: Again(at=at + 1) if at < most else None)
    first = enqueue(name, at=1, most=3)
    second = outbox.go_on(first, Again(at=2))

    assert outbox.go_on(first, Again(at=2)) is None
    worker = Worker(["network"])
    worker.run_job(replace(first, leased_until=0.0))

    assert calls == []
    assert row_of(name)["step"] == second.step == 1


def test_a_second_delivery_of_a_finished_job_is_not_run_again(a_task):
    name, calls = a_task()
    job = enqueue(name)
    worker = Worker(["network"])

    worker.do(job.payload())
    worker.do(job.payload())  # its row is not deleted yet
    worker.finished.flush()
    Worker(["network"]).do(replace(job, leased_until=0.0).payload())  # another worker, after the lease

    assert len(calls) == 1
    assert rows_of(name) == []


def test_a_row_whose_deletion_was_lost_with_its_server_goes_at_the_next_delivery(a_task):
    name, calls = a_task()
    job = enqueue(name)
    worker = Worker(["network"])
    worker.do(job.payload())
    with transaction.atomic(), main_server().cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE before ON COMMIT DROP AS SELECT * FROM local.outbox WHERE task = %s", [name]
        )
        worker.finished.flush()
        # Deletions do not wait for the disk: a crash may take one back.
        cursor.execute("INSERT INTO local.outbox OVERRIDING SYSTEM VALUE SELECT * FROM before")
    assert len(rows_of(name)) == 1

    worker.do(job.payload())
    worker.finished.flush()

    assert len(calls) == 1
    assert rows_of(name) == []


def test_a_failing_job_waits_for_its_next_attempt_and_says_why(a_task, settings):
    settings.JOBS_RETRY_BASE_S = 4.0
    name, _ = a_task(lambda: 1 / 0)
    enqueue(name)
    worker = Worker(["network"])
    waits = []

    for attempt in range(3):
        (job,) = outbox.jobs_of(main_server(), tasks=[name], most=10)
        assert job.attempts == attempt
        worker.run_job(job)
        with main_server().cursor() as cursor:
            cursor.execute(
                "SELECT extract(epoch FROM run_after - clock_timestamp())::float FROM local.outbox WHERE task = %s",
                [name],
            )
            waits.append(cursor.fetchone()[0])

    assert row_of(name)["last_error"] == "ZeroDivisionError: division by zero"
    for wait, base in zip(waits, (4, 8, 16), strict=True):
        assert base * 0.7 < wait <= base * 1.25


def test_a_job_that_fails_too_often_rests_as_a_dead_letter_and_can_be_requeued(a_task, settings, gearmand):
    settings.JOBS_MAX_ATTEMPTS = 1
    well = []
    name, calls = a_task(lambda number: None if well else 1 / 0)
    job = enqueue(name, number=4)
    work()
    assert rows_of(name) == []
    (letter,) = letters_of(name)
    assert letter["last_error"].startswith("ZeroDivisionError")
    assert (letter["args"], letter["attempts"]) == ({"number": 4}, 1)

    well.append(True)
    assert dead_letters.requeue(main_server(), [letter["id"]]) == 1
    assert letters_of(name) == []
    assert row_of(name)["id"] != job.row_id
    Relay().relay(main_server())
    work()

    assert len(calls) == 2
    assert rows_of(name) == []


def test_a_dead_letter_can_be_discarded(a_task, settings):
    settings.JOBS_MAX_ATTEMPTS = 1
    name, _ = a_task(lambda: 1 / 0)
    Worker(["network"]).run_job(enqueue(name))
    (letter,) = letters_of(name)

    assert dead_letters.discard(main_server(), [letter["id"]]) == 1

    assert letters_of(name) == rows_of(name) == []


@pytest.mark.parametrize("error", [ShardUnavailable("shard_a"), NotNow()], ids=["server", "other"])
def test_what_a_job_waits_for_may_be_away_for_as_long_as_it_likes(a_task, settings, error):
    settings.JOBS_MAX_ATTEMPTS = 2

    def away():
        raise error

    name, calls = a_task(away)
    enqueue(name)

    for _ in range(5):
        (job,) = outbox.jobs_of(main_server(), tasks=[name], most=1)
        Worker(["network"]).run_job(job)

    assert len(calls) == 5
    assert (row_of(name)["attempts"], row_of(name)["postponed"]) == (0, 5)


def test_a_statement_that_takes_too_long_counts_as_a_failure(a_task):
    def too_long():
        raise ShardBusy("shard_a")

    name, _ = a_task(too_long)

    Worker(["network"]).run_job(enqueue(name))

    assert row_of(name)["attempts"] == 1


def test_a_job_of_a_task_that_this_code_does_not_know_waits_for_other_code(a_task):
    name, _ = a_task()
    job = replace(enqueue(name), task="test.of_another_release")
    with main_server().cursor() as cursor:
        cursor.execute("UPDATE local.outbox SET task = %s WHERE id = %s", [job.task, job.row_id])

    Worker(["network"]).do(job.payload())

    row = row_of(job.task)
    assert (row["attempts"], row["postponed"], row["last_error"]) == (0, 1, "this worker's code has no such task")
    outbox.finish(main_server(), [(job.row_id, job.step)])


def test_a_job_that_kills_its_workers_ends_as_a_dead_letter(a_task, settings):
    settings.JOBS_MAX_ATTEMPTS = 2
    name, calls = a_task(lambda: None)
    job = replace(enqueue(name), submits=SUSPECT_SUBMITS)
    assert outbox.count_attempt(job).attempts == 1
    started = outbox.count_attempt(replace(job, attempts=1))
    assert started.attempts == 2  # it began twice and was never heard of again

    Worker(["network"]).run_job(replace(started, submits=SUSPECT_SUBMITS))

    assert calls == []
    (letter,) = letters_of(name)
    assert (letter["attempts"], letter["last_error"]) == (2, "its workers ended or never answered")


def test_a_suspect_that_is_well_is_done(a_task):
    name, calls = a_task()
    worker = Worker(["network"])

    worker.run_job(replace(enqueue(name), submits=SUSPECT_SUBMITS))
    worker.finished.flush()

    assert len(calls) == 1
    assert rows_of(name) == []


def test_a_long_job_keeps_its_lease(a_task, settings, gearmand):
    settings.JOBS_LEASE_S = 0.2

    def until_extended():
        first = row_of(name)["run_after"]
        wait_until(lambda: row_of(name)["run_after"] > first)

    name, calls = a_task(until_extended, lease_s=30)
    enqueue(name)

    work()

    assert len(calls) == 1
    assert rows_of(name) == []


def test_finished_jobs_do_not_wait_for_the_end_of_a_long_one(a_task, gearmand):
    # One task, so that gearmand keeps their order.
    name, _ = a_task(lambda *, is_long: is_long and wait_until(lambda: len(rows_of(name)) == 1))
    enqueue(name, is_long=False)
    enqueue(name, is_long=True)

    work(jobs=2)

    assert rows_of(name) == []


def test_a_task_that_fails_in_a_transaction_leaves_none_behind(a_task, gearmand):
    def broken():
        with main_server().cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT no_such_column")

    broken_name, _ = a_task(broken)
    name, calls = a_task(lambda: rows_of(name))
    enqueue(broken_name)
    enqueue(name)

    work(jobs=2)

    assert len(calls) == 1
    assert rows_of(name) == []
    assert row_of(broken_name)["attempts"] == 1


def test_a_payload_that_is_no_job_harms_nobody():
    Worker(["network"]).do(b"{not json")
    Worker(["network"]).do(b'["main", 1]')
    Worker(["network"]).do(b'{"server": "main", "id": 1, "colour": "red"}')


def test_logs_show_ids_and_no_texts():
    args = {"photo_id": 5, "text": "hello", "ids": list(range(9)), "deep": [{"mail": "a@b"}], "flag": True}

    shown = outline(args)

    assert shown == {
        "photo_id": 5,
        "text": "<text of 5>",
        "ids": [0, 1, 2, 3, 4, "<4 more>"],
        "deep": [{"mail": "<text of 3>"}],
        "flag": True,
    }


# --- Running in tests ------------------------------------------------------------------------------------------------


def test_run_until_idle_raises_what_a_task_raises_and_is_rid_of_the_job(a_task):
    name, calls = a_task(lambda: 1 / 0)
    enqueue(name)

    with pytest.raises(ZeroDivisionError):
        run_until_idle()

    run_until_idle()
    assert len(calls) == 1
    assert len(letters_of(name)) == 1


def test_run_until_idle_does_not_run_for_ever(a_task):
    name, _ = a_task(lambda: enqueue(name) and None)
    enqueue(name)

    with pytest.raises(RuntimeError, match="still jobs after 20"):
        run_until_idle(max_jobs=20)
