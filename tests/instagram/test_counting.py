"""Counting across processes: sums meet in Redis, a dead Redis costs nobody anything."""

import ast
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from instagram import counting
from instagram.counting import Durations, count, observe, timed
from monitoring.figures.counted import COUNTS, DURATIONS
from tests.support.own_servers import free_port
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def prefix(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Sums of the test's own."""
    counting.flush()
    own = f"t-{uuid.uuid4().hex}:"
    monkeypatch.setattr(settings, "METRICS_PREFIX", own)
    yield own
    counting.forget()


def counts() -> dict[tuple[str, counting.Labels], int]:
    return counting.read().counts


def test_what_threads_count_side_by_side_adds_up() -> None:
    def work() -> None:
        for _ in range(1_000):
            count("photos")
            count("shares", service="twitter", result="sent")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counting.flush()

    assert counts() == {("photos", ()): 8_000, ("shares", (("service", "twitter"), ("result", "sent"))): 8_000}


def test_it_goes_to_redis_by_itself_about_a_second_later() -> None:
    count("likes", 3)

    wait_until(lambda: counts().get(("likes", ())) == 3, seconds=5, what="the flush")


def test_what_processes_count_before_they_end_adds_up(prefix: str) -> None:
    program = (
        "import django; django.setup()\n"
        "import os\n"
        "from instagram.counting import count\n"
        "count('photos')\n"
        "child = os.fork()\n"
        "count('photos', 10 if child else 100)\n"
        "if child: os.waitpid(child, 0)\n"
    )
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "instagram.settings.development",
        "METRICS_PREFIX": prefix,
        "METRICS_REDIS": settings.METRICS_REDIS,
    }
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=settings.BASE_DIR, check=True)

    # The parent's one is not counted by its child, too.
    assert counts()["photos", ()] == 111


def test_durations_are_kept_by_class_with_their_sum() -> None:
    for seconds in (0.001, 0.005, 0.2, 0.2, 3_600.0):
        observe("fan_out_seconds", seconds)
    counting.flush()

    found = counting.read().durations[("fan_out_seconds", ())]
    assert found == Durations(buckets=[2, 0, 0, 2, 0, 0, 0, 0, 1], seconds=pytest.approx(3_600.406))


def test_a_block_that_raises_is_timed_all_the_same() -> None:
    with pytest.raises(ZeroDivisionError), timed("job_seconds", queue="fast"):
        _ = 1 / 0
    counting.flush()

    assert sum(counting.read().durations[("job_seconds", (("queue", "fast"),))].buckets) == 1


def test_while_redis_is_away_counting_costs_no_time_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = f"127.0.0.1:{free_port()}"
    alive = settings.METRICS_REDIS
    monkeypatch.setattr(settings, "METRICS_REDIS", closed)

    began = time.monotonic()
    for _ in range(1_000):
        count("comments")
    assert time.monotonic() - began < 0.5
    assert not counting.flush()
    count("comments")

    monkeypatch.setattr(settings, "METRICS_REDIS", alive)
    assert counting.flush()
    wait_until(lambda: counts() == {("comments", ()): 1_001}, seconds=3, what="all counts")


def test_memory_is_bounded_whatever_labels_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_SUMS", 100)
    for number in range(1_000):
        count("photos", label=str(number))
    counting.flush()

    assert len(counts()) <= 100


def names_given(function: str) -> set[str]:
    """Return the names that the service's code gives to count(), or observe() and timed()."""
    found = set()
    rooms = ("instagram", "sharding", "jobs", "caching", "accounts", "photos", "feeds", "notifications", "api", "web")
    for room in (*rooms, "monitoring", "backoffice", "moderation", "switches", "recovery"):
        for path in (Path(settings.BASE_DIR) / room).rglob("*.py"):
            text = path.read_text()
            if "counting" not in text or path.name == "counting.py":
                continue
            for node in ast.walk(ast.parse(text)):
                if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                    continue
                if ast.unparse(node.func).startswith("tracing."):  # it has a timed() of its own
                    continue
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in function.split() and isinstance(node.args[0].value, str):
                    found.add(node.args[0].value)
    return found


def test_every_name_that_is_counted_is_described_and_the_other_way_round() -> None:
    assert names_given("count") == set(COUNTS)
    assert names_given("observe timed") == set(DURATIONS)
