"""The canary on a whole data centre: what dies or freezes is named by the stage where the photo stalls."""

import json
import subprocess
import sys
from typing import Any

import pytest
import requests

from tests.faults import ask
from tests.support.private import ROOT, PrivateStack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

#: Short, so that a stall is told soon.
QUICK = {"CANARY_FEED_S": "3", "CANARY_READ_S": "2", "CANARY_UPLOAD_S": "4"}


def fly(stack: PrivateStack, *words: str) -> tuple[int, dict[str, Any], str]:
    """Fly once; return exit code, result and the line of the alert."""
    command = [sys.executable, "manage.py", "canary", "--once", "--json", *words]
    env = stack.env | QUICK
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    alert = [line for line in done.stderr.splitlines() if "the canary" in line]
    return done.returncode, json.loads(done.stdout), alert[0] if alert else ""


def stages(result: dict[str, Any]) -> dict[str, str | None]:
    return {flight["server"]: flight["stage"] for flight in result["flights"]}


def photos_of_bots(stack: PrivateStack) -> int:
    """Count the canary photos that are in the databases and not deleted."""
    authors = ask(stack, "main", "SELECT id FROM accounts_user WHERE username LIKE 'canary.author.%%'")
    count = 0
    for (author,) in authors:
        for server in ("shard_a", "shard_b"):
            schema = f"s{author % 64:04d}"
            if ask(stack, server, "SELECT 1 FROM pg_namespace WHERE nspname = %s", schema):
                query = f"SELECT count(*) FROM {schema}.photos_photo WHERE author_id = %s AND state = 0"
                count += ask(stack, server, query, author)[0][0]
    return count


@pytest.fixture(scope="module", autouse=True)
def _flown(private_stack: PrivateStack) -> None:
    """The bots are there, and the processes warm."""
    for _ in range(2):
        code, result, alert = fly(private_stack)
    assert code == 0, (result, alert)


def test_a_healthy_flight_takes_its_seconds_and_leaves_one_photo_of_each_author(private_stack: PrivateStack):
    code, result, alert = fly(private_stack)

    assert (code, alert) == (0, "")
    assert stages(result) == {"shard_a": None, "shard_b": None}
    for flight in result["flights"]:
        assert set(flight["seconds"]) == {"upload", "job", "feed", "image"}
        assert flight["seconds"]["job"] <= flight["seconds"]["feed"] + 0.1
        assert 0 < flight["post_to_feed_s"] < 10
    assert photos_of_bots(private_stack) == 2
    deep = requests.get(f"{private_stack.url}/health/deep", timeout=10).json()
    (item,) = [check for check in deep["checks"] if check["name"] == "canary"]
    assert item["ok"], item


def test_a_dead_app_front_stalls_the_upload(private_stack: PrivateStack):
    with private_stack.dead("nginx_app"):
        code, result, alert = fly(private_stack)
    assert code == 1
    assert set(stages(result).values()) == {"upload"}
    assert "stalls at upload" in alert


def test_a_photo_sent_through_one_host_goes_there_alone(private_stack: PrivateStack):
    host = f"http://127.0.0.1:{private_stack.ports['gunicorn']}"
    with private_stack.dead("nginx_app"):
        code, result, alert = fly(private_stack, "--at", host)
    with private_stack.frozen("gunicorn"):
        stalled, _, said = fly(private_stack, "--at", host)

    assert (code, alert) == (0, ""), result
    assert stalled == 1
    assert "stalls at upload" in said


def test_a_frozen_gunicorn_stalls_the_upload(private_stack: PrivateStack):
    with private_stack.frozen("gunicorn"):
        code, result, _ = fly(private_stack)
    assert code == 1
    assert set(stages(result).values()) == {"upload"}
    assert "no answer in 4 s" in result["flights"][0]["error"]


def test_a_dead_worker_stalls_the_job_and_it_is_well_again_when_it_works(private_stack: PrivateStack):
    with private_stack.dead("worker_feed_1"):
        code, result, alert = fly(private_stack)
        deep = requests.get(f"{private_stack.url}/health/deep", timeout=10).json()
    assert code == 1
    assert set(stages(result).values()) == {"job"}
    assert "stalls at job" in alert
    (item,) = [check for check in deep["checks"] if check["name"] == "canary"]
    assert not item["ok"]
    assert "stalls at job" in item["error"]

    wait_until(lambda: fly(private_stack)[0] == 0, seconds=40, what="the canary flies again")


def test_a_dead_server_of_readers_stalls_what_goes_there_and_says_which(private_stack: PrivateStack):
    with private_stack.dead("postgres_shard_b"):
        code, result, _ = fly(private_stack)
    assert code == 1
    found = stages(result)
    assert found["shard_b"] == "upload", "its author lives there"
    assert found["shard_a"] in ("job", "feed")
    (flight,) = [flight for flight in result["flights"] if flight["server"] == "shard_a"]
    assert "shard_b" in flight["error"]
    wait_until(lambda: fly(private_stack)[0] == 0, seconds=40, what="the canary flies again")


def test_a_feed_that_cannot_show_it_is_the_stage_feed(private_stack: PrivateStack):
    # Delivered, and then taken out of the readers' sight: their following row says otherwise.
    readers = ask(private_stack, "main", "SELECT id FROM accounts_user WHERE username LIKE 'canary.reader.%%'")

    def set_status(status: str) -> None:
        for (reader,) in readers:
            schema = f"s{reader % 64:04d}"
            for server in ("shard_a", "shard_b"):
                if ask(private_stack, server, "SELECT 1 FROM pg_namespace WHERE nspname = %s", schema):
                    query = f"UPDATE {schema}.accounts_following SET status = %s WHERE follower_id = %s"
                    ask(private_stack, server, query, status, reader)

    set_status("none")
    try:
        code, result, alert = fly(private_stack)
    finally:
        set_status("follows")
    assert code == 1
    assert set(stages(result).values()) == {"feed"}
    assert "stalls at feed" in alert


def test_a_dead_edge_stalls_the_image(private_stack: PrivateStack):
    with private_stack.dead("nginx_cdn"):
        code, result, alert = fly(private_stack)
    assert code == 1
    assert set(stages(result).values()) == {"image"}
    assert "stalls at image" in alert
    for flight in result["flights"]:
        assert flight["post_to_feed_s"], "it was in the feeds"


def test_the_loop_flies_until_it_is_told_to_stop(private_stack: PrivateStack):
    process = subprocess.Popen(
        [sys.executable, "manage.py", "canary", "--json"],
        cwd=ROOT,
        env=private_stack.env | QUICK | {"CANARY_PERIOD_S": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        rounds = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert all(each["ok"] and each["is_loop"] for each in rounds)
        process.terminate()
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
