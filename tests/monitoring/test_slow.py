"""What takes too long: caught in the act, told once, kept in a list that every process adds to."""

import json
import logging
import threading
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings

from instagram import tracing
from jobs import enqueue, task
from jobs.tasks import registry
from jobs.worker import Worker
from monitoring import slow
from sharding import main_server, physical_servers
from tests.support.people import a_person
from tests.support.waiting import wait_until


@pytest.fixture
def quick_to_judge(settings):
    """Have 0.15 s count as slow; the watching thread takes its pause from the settings each time."""
    settings.SLOW_REQUEST_S = settings.SLOW_JOB_S = 0.15
    tracing.running.clear()
    slow.watch(None)
    time.sleep(slow.LOOK_S)  # its pause of before


def entries_of(request_id):
    return [entry for entry in slow.recent() if entry["request_id"] == request_id]


def test_a_slow_statement_is_sampled_where_it_waits_and_told_with_its_time(quick_to_judge, caplog):
    named = f"slow-{time.time_ns()}"
    with override_settings(ROOT_URLCONF="tests.support.pages"), caplog.at_level(logging.WARNING, logger="slow"):
        Client(HTTP_X_REQUEST_ID=named).get("/sleep/a-secret-token", {"seconds": "0.5"})

    (record,) = [each for each in caplog.records if each.name == "slow"]
    assert record.getMessage().startswith("slow request GET /sleep/<token>: 5")
    assert "sql 1 in 5" in record.getMessage()
    assert "tests/support/pages.py" in record.getMessage()
    (entry,) = wait_until(lambda: entries_of(named), what="the entry is in the list")
    assert (entry["kind"], entry["name"], entry["status"]) == ("request", "GET /sleep/<token>", 200)
    assert 500 <= entry["ms"] < 2_000
    assert entry["spent"]["sql"]["main"]["ms"] >= 500
    assert [150 <= stack["at_ms"] <= 500 for stack in entry["stacks"]] == [True, True]
    frames = entry["stacks"][0]["frames"]
    assert any(frame.startswith("sharding/deadlines.py") for frame in frames[:3])  # where it waits
    assert any(frame.startswith("tests/support/pages.py") and frame.endswith(" sleeps") for frame in frames)
    assert "a-secret-token" not in json.dumps(entry)


def test_a_locked_row_is_told_by_the_place_that_wants_it(quick_to_judge):
    person, named = a_person(), f"slow-{time.time_ns()}"
    locked, release = threading.Event(), threading.Event()

    def hold():
        server = main_server()
        with server.atomic(), server.cursor() as cursor:
            cursor.execute("SELECT 1 FROM accounts_user WHERE id = %s FOR UPDATE", [person.id])
            locked.set()
            release.wait(5)

    person.get("/v1/accounts/self")  # the first request of a process loads the addresses, which takes its time
    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(5)
    threading.Timer(0.5, release.set).start()
    Client(HTTP_X_REQUEST_ID=named).post("/v1/accounts/self", {"access_token": person.token, "bio": "new"})
    holder.join()

    (entry,) = wait_until(lambda: entries_of(named), what="the entry is in the list")
    assert any(frame.startswith("accounts/services/") for frame in entry["stacks"][0]["frames"])
    assert entry["user"] == person.id


def test_a_slow_job_is_told_with_task_and_job(quick_to_judge):
    @task("test.sleeps", queue="network")
    def sleeps():
        with physical_servers()[0].cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.3)")

    named = f"slow-{time.time_ns()}"
    token = tracing.request_id.set(named)
    job = enqueue("test.sleeps", delay_s=60)
    tracing.request_id.reset(token)
    worker = Worker(["network"])
    worker.do(job.payload())
    worker.finished.flush()
    del registry["test.sleeps"]

    (entry,) = wait_until(lambda: entries_of(named), what="the entry is in the list")
    assert (entry["kind"], entry["name"], entry["job"]) == ("job", "test.sleeps", f"main:{job.row_id}")
    assert any(frame.endswith(" sleeps") for frame in entry["stacks"][0]["frames"])


def test_what_still_runs_after_ten_limits_is_told_meanwhile(settings, caplog):
    settings.SLOW_REQUEST_S = 0.02
    with caplog.at_level(logging.WARNING, logger="slow"), tracing.follow("request", "GET /never") as trace:
        trace.samples += [(0.02, []), (0.04, [])]
        time.sleep(0.25)
        slow.look()
        slow.look()
        told = [each.getMessage() for each in caplog.records if "still runs" in each.getMessage()]

    assert len(told) == 1
    assert told[0].startswith("request GET /never still runs after 0 s; at ")


def test_what_is_quick_is_not_told(caplog):
    with caplog.at_level(logging.WARNING, logger="slow"):
        Client().get("/health/live")

    assert [each for each in caplog.records if each.name == "slow"] == []


def test_the_list_keeps_the_newest_and_no_more(monkeypatch):
    monkeypatch.setattr(slow, "KEPT", 3)
    for number in range(5):
        slow._waiting.put(json.dumps({"request_id": f"kept-{number}"}).encode())
        slow._hand_over()

    # Another request of this process may come between; the order stands.
    assert len(slow.recent(10)) == 3
    assert slow.recent(10)[0]["request_id"] == "kept-4"


def test_the_command_shows_the_list_and_clears_it(quick_to_judge):
    slow.forget()
    named = f"slow-{time.time_ns()}"
    with override_settings(ROOT_URLCONF="tests.support.pages"):
        Client(HTTP_X_REQUEST_ID=named).get("/sleep/x", {"seconds": "0.2"})
    wait_until(lambda: entries_of(named), what="the entry is in the list")

    said = StringIO()
    call_command("slow_requests", "--clear", stdout=said)
    assert "request GET /sleep/<token> 2" in said.getvalue()
    assert f"request {named}" in said.getvalue()
    assert "sql main 1 in 2" in said.getvalue()
    said = StringIO()
    call_command("slow_requests", stdout=said)
    assert named not in said.getvalue()


def test_a_bad_limit_is_told_in_a_sentence():
    with pytest.raises(CommandError, match="--limit may be 1 to 200") as caught:
        call_command("slow_requests", limit=0)

    assert caught.value.returncode == 2


def test_a_redis_that_is_away_costs_the_list_and_nothing_else(settings):
    settings.PHOTO_MAP_SERVERS = ["127.0.0.1:9"]
    slow._waiting.put(b"{}")

    slow._hand_over()

    assert slow.recent() == []
