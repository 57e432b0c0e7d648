"""Workers and gearmands as processes: stopped, limited, killed, restarted, several at once. And what operators see."""

import json
import signal
import time
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from jobs import Again, dead_letters, enqueue, enqueue_many, gearman, outbox
from jobs.metrics import Gauge, prometheus
from jobs.relay import Relay
from jobs.worker import SUSPECT_SUBMITS, Worker
from sharding import main_server
from tests.jobs import sample_tasks
from tests.support.waiting import wait_until

assert sample_tasks, "its tasks can be enqueued once it is imported"


def left(name):
    return [row["args"] for row in outbox.rows_of(main_server(), task=name)]


# --- Stopping --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_told_to_stop_finishes_its_job_and_takes_no_more(processes, marks, gearmand, how):
    worker = processes.worker()
    enqueue("sample.slow", note=marks.note, seconds=1.0)
    enqueue("sample.mark", note=marks.note, number=7)  # another task: gearmand may hand it out first
    wait_until(lambda: 1 in marks.numbers(), seconds=30, what="the slow job has begun")
    before = marks.numbers()
    enqueue_many("sample.mark", [{"note": marks.note, "number": number} for number in range(10, 15)])

    worker.send_signal(how)

    assert worker.wait(timeout=15) == 0, processes.logs()
    assert marks.numbers() == sorted({*before, 2})
    # The rest is still stored, and another worker does it.
    processes.worker()
    wait_until(lambda: set(marks.numbers()) >= {1, 2, 7, *range(10, 15)}, seconds=30, what="all jobs are done")


def test_an_idle_worker_stops_at_once(processes, gearmand, marks):
    worker = processes.worker()
    enqueue("sample.mark", note=marks.note, number=1)
    wait_until(marks.numbers, seconds=30, what="the worker works")

    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)

    assert worker.wait(timeout=15) == 0
    assert time.monotonic() - began < 5.0


def test_a_worker_ends_well_at_its_limit_of_jobs_and_leaves_the_rest(a_task, gearmand):
    name, calls = a_task()
    enqueue_many(name, [{"number": number} for number in range(5)])
    worker = Worker(["network"], max_jobs=3)

    worker.run()

    assert [call["number"] for call in calls] == [0, 1, 2]
    assert left(name) == [{"number": 3}, {"number": 4}]
    Worker(["network"], max_jobs=2).run()
    assert left(name) == []


@pytest.mark.parametrize("first", ["chain", "quick"])
def test_a_long_chain_lets_the_other_tasks_of_its_queue_in_between(a_task, gearmand, first):
    # A gearmand that asks a worker's tasks in their order would starve those behind a chain.
    runs = {"chain": lambda *, number: Again(number=number + 1), "quick": lambda **_: None}
    made = {name: a_task(runs[name]) for name in sorted(runs, key=lambda name: name != first)}
    (chain, batches), (quick, calls) = made["chain"], made["quick"]
    enqueue(chain, number=1)
    enqueue_many(quick, [{"number": number} for number in range(3)])

    Worker(["network"], max_jobs=8).run()

    assert len(calls) == 3
    assert len(batches) == 5


def test_a_worker_above_its_limit_of_memory_ends_well_for_a_fresh_one(processes, marks, gearmand):
    worker = processes.worker("--max-memory-mb", "1")

    assert worker.wait(timeout=30) == 0, processes.logs()
    assert "a fresh worker takes over" in processes.logs()


# --- Dying -----------------------------------------------------------------------------------------------------------


def test_a_worker_killed_in_a_chain_costs_one_batch(processes, marks, gearmand):
    worker = processes.worker()
    enqueue("sample.chain", note=marks.note, number=1, last=6, pause_s=0.3)
    wait_until(lambda: len(marks.all()) >= 3, seconds=30, what="some batches are done")

    worker.kill()
    worker.wait()
    processes.worker()
    processes.relay()
    wait_until(lambda: marks.numbers() == [1, 2, 3, 4, 5, 6], seconds=30, what="the whole chain is done")
    wait_until(lambda: not left("sample.chain"), what="the row is gone")

    assert sum(runs for _, runs in marks.all()) <= 7


def test_a_job_that_kills_every_worker_ends_as_a_dead_letter(processes, marks, gearmand):
    processes.environment["JOBS_MAX_ATTEMPTS"] = "1"
    job = enqueue("sample.deadly", note=marks.note, delay_s=60)
    with main_server().cursor() as cursor:  # the relay submitted it so often that it is suspected
        cursor.execute(
            "UPDATE local.outbox SET submits = %s, run_after = now() WHERE id = %s", [SUSPECT_SUBMITS, job.row_id]
        )
    processes.relay()

    def letter():
        return next((each for each in dead_letters.latest(main_server()) if each["id"] == job.row_id), None)

    for _ in range(2):
        worker = processes.worker()
        wait_until(lambda worker=worker: worker.poll() is not None or letter(), seconds=60, what="an end")

    assert letter()["last_error"] == "its workers ended or never answered"
    assert marks.all() == [(1, 1)]
    dead_letters.discard(main_server(), [job.row_id])


# --- gearmand --------------------------------------------------------------------------------------------------------


def test_a_worker_outlives_gearmands_restart(processes, marks, gearmand):
    processes.worker()
    processes.relay()
    enqueue("sample.mark", note=marks.note, number=1)
    wait_until(lambda: marks.numbers() == [1], seconds=30, what="the worker works")

    gearmand.restart()
    enqueue("sample.mark", note=marks.note, number=2)

    wait_until(lambda: marks.numbers() == [1, 2], seconds=30, what="the worker works again")


def test_with_two_gearmands_one_may_be_killed_and_come_back_and_even_both(
    processes, marks, gearmands, gearmand, settings
):
    other = gearmands()
    settings.GEARMAND_SERVERS = [gearmand.address, other.address]
    processes.environment["GEARMAND_SERVERS"] = f"{gearmand.address},{other.address}"
    processes.worker()
    processes.relay()
    wait_until(
        lambda: all(_workers(each, "sample.mark") for each in (gearmand, other)), seconds=30, what="connected to both"
    )

    enqueue_many("sample.mark", [{"note": marks.note, "number": number} for number in range(10)])
    wait_until(lambda: len(marks.all()) == 10, what="both hand jobs out")

    other.kill()
    began = time.monotonic()
    enqueue_many("sample.mark", [{"note": marks.note, "number": number} for number in range(10, 20)])
    assert time.monotonic() - began < 1.0
    wait_until(lambda: len(marks.all()) == 20, what="the other does it alone")

    other.start()
    wait_until(lambda: _workers(other, "sample.mark"), seconds=15, what="the worker is back there")
    gearmand.kill()
    enqueue_many("sample.mark", [{"note": marks.note, "number": number} for number in range(20, 30)])
    wait_until(lambda: len(marks.all()) == 30, seconds=15, what="now the other way round")

    other.kill()  # none is left
    settings.JOBS_LEASE_S = 1.0
    enqueue_many("sample.mark", [{"note": marks.note, "number": number} for number in range(30, 40)])
    gearmand.start()
    other.start()
    wait_until(lambda: len(marks.all()) == 40, seconds=30, what="the relay hands on what nobody took")


def test_what_one_dead_gearmand_would_get_goes_to_the_next_one(a_task, gearmands, gearmand, settings):
    other = gearmands()
    settings.GEARMAND_SERVERS = [other.address, gearmand.address]
    other.kill()
    name, _ = a_task()

    enqueue_many(name, [{"number": number} for number in range(6)])

    assert gearmand.waiting(name) == 6


def _workers(server, name):
    return gearman.queue_lengths(server.address).get(name, (0, 0, 0))[2]


# --- What operators see ----------------------------------------------------------------------------------------------


def said_by(*words, **options):
    said = StringIO()
    call_command(*words, stdout=said, **options)
    return said.getvalue()


def test_queues_shows_what_waits_fails_and_died(a_task, gearmand):
    name, _ = a_task()
    dead, failing, waiting, _ = enqueue_many(name, [{"number": number} for number in range(4)])
    outbox.bury(dead, "too often", attempts=8)
    outbox.fail(failing, "once")
    outbox.postpone(waiting, "away")

    (task,) = [task for task in json.loads(said_by("queues", "--json"))["tasks"] if task["task"] == name]

    assert (task["queue"], task["waiting"], task["running"], task["workers"]) == ("network", 4, 0, 0)
    assert (task["rows"], task["failing"], task["postponed"], task["dead"]) == (3, 1, 1, 1)
    assert 0 < task["oldest_s"] < 60
    assert name in said_by("queues")


def test_queues_speaks_the_language_of_prometheus(a_task, gearmand):
    name, _ = a_task()
    enqueue(name)

    lines = said_by("queues", "--format", "prometheus").splitlines()

    assert f'jobs_rows{{queue="network",task="{name}"}} 1.0' in lines
    assert f'jobs_waiting{{queue="network",task="{name}"}} 1.0' in lines
    assert "# TYPE jobs_oldest_seconds gauge" in lines
    assert "# TYPE jobs_server_away gauge" in lines


def test_a_gearmand_that_is_away_is_a_metric_and_no_error(a_task, gearmand):
    gearmand.kill()

    assert f'jobs_server_away{{server="gearmand {gearmand.address}"}} 1' in said_by("queues", format="prometheus")


def test_labels_are_escaped():
    assert prometheus([Gauge("n", "What.", [({"a": 'x"\\\n'}, 1.5)])]) == (
        '# HELP n What.\n# TYPE n gauge\nn{a="x\\"\\\\\\n"} 1.5\n'
    )


def test_dead_letters_can_be_listed_requeued_and_discarded_by_command(a_task, gearmand):
    well = []
    name, calls = a_task(lambda number: None if well else 1 / 0)
    # Delayed: gearmand does not have them yet.
    jobs = enqueue_many(name, [{"number": number} for number in range(3)], delay_s=60)
    for job in jobs:
        outbox.bury(job, "ZeroDivisionError: division by zero", attempts=8)

    letters = [json.loads(line) for line in said_by("dead_letters", "list", task=name).splitlines()]
    assert [letter["args"]["number"] for letter in letters] == [2, 1, 0]
    assert {letter["last_error"] for letter in letters} == {"ZeroDivisionError: division by zero"}

    with pytest.raises(CommandError, match="say --server too"):
        call_command("dead_letters", "requeue", str(letters[0]["id"]))
    with pytest.raises(CommandError, match="say which"):
        call_command("dead_letters", "discard")
    assert "1 requeued" in said_by("dead_letters", "requeue", str(letters[0]["id"]), server="main")
    assert "main: 2 discarded" in said_by("dead_letters", "discard", task=name)
    well.append(True)
    Relay().relay(main_server())
    Worker(["network"], max_jobs=1).run()
    assert calls == [{"number": 2}]
    assert dead_letters.latest(main_server(), task=name) == []
