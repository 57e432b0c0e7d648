"""A gearmand, workers and relays of the tests' own, to kill and freeze; a table that sample_tasks.py writes to."""

import itertools
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from jobs import gearman, task
from jobs.tasks import registry
from sharding import main_server
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
_names = (f"test.task_{number}" for number in itertools.count())


@dataclass
class Gearmand:
    """One gearmand on a port of its own."""

    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["/usr/sbin/gearmand", "-L", "127.0.0.1", "-p", str(self.port), "--round-robin", "--job-retries", "3"]
            + ["-l", "none", "-P", f"/tmp/gearmand-test-{self.port}.pid"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self.answers, what="gearmand answers")

    def answers(self) -> bool:
        try:
            return bool(gearman.ask(self.address, "version", timeout_s=1.0))
        except OSError:
            return False

    def waiting(self, name: str) -> int:
        return gearman.queue_lengths(self.address).get(name, (0, 0, 0))[0]

    def signal(self, how: signal.Signals) -> None:
        self.process.send_signal(how)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()


@pytest.fixture
def gearmands() -> Iterator[Callable[[], Gearmand]]:
    """Start gearmands; they are killed after the test."""
    started: list[Gearmand] = []

    def start() -> Gearmand:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            server = Gearmand(probe.getsockname()[1])
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.process.kill()
        server.process.wait()
        Path(f"/tmp/gearmand-test-{server.port}.pid").unlink(missing_ok=True)


@pytest.fixture
def gearmand(gearmands: Callable[[], Gearmand], settings: Any) -> Gearmand:
    """A gearmand for this test alone, which this process uses."""
    server = gearmands()
    settings.GEARMAND_SERVERS = [server.address]
    return server


@dataclass
class Processes:
    """Workers, relays and scripts that use the test's gearmand, with short leases."""

    environment: dict[str, str]
    folder: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{len(self.running)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        self.running.append(process)
        return process

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        return self.start("manage.py", "worker", "--queue", "network", *options)

    def relay(self) -> subprocess.Popen[bytes]:
        return self.start("manage.py", "relay")

    def logs(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


@pytest.fixture
def processes(gearmand: Gearmand, tmp_path: Path) -> Iterator[Processes]:
    """Start processes; they are killed after the test."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "instagram.settings.test",
        "STATE_DIR": str(django_settings.STATE_DIR),
        "GEARMAND_SERVERS": gearmand.address,
        "JOBS_EXTRA_MODULES": "tests.jobs.sample_tasks",
        "JOBS_LEASE_S": "1",
        "JOBS_RELAY_PERIOD_S": "0.1",
        "JOBS_RETRY_BASE_S": "0.1",
    }
    made = Processes(environment, tmp_path)
    yield made
    for process in made.running:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Marks:
    """What the sample tasks of one test wrote."""

    note: str

    def all(self) -> list[tuple[int, int]]:
        """Return (number, runs), by number."""
        with main_server().cursor() as cursor:
            cursor.execute("SELECT number, runs FROM public.job_mark WHERE note = %s ORDER BY number", [self.note])
            return cursor.fetchall()

    def numbers(self) -> list[int]:
        return [number for number, _ in self.all()]


@pytest.fixture(scope="session")
def mark_table(test_databases: None) -> None:
    with main_server().cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS public.job_mark"
            " (note text, number int, runs int NOT NULL DEFAULT 1, PRIMARY KEY (note, number))"
        )


@pytest.fixture
def marks(mark_table: None) -> Marks:
    return Marks(secrets.token_hex(8))


@pytest.fixture
def a_task() -> Iterator[Callable[..., tuple[str, list[dict[str, Any]]]]]:
    """Register a function as a task for one test; return its name and the list of its calls."""
    made = []

    def make(run=lambda **args: None, **options):
        name, calls = next(_names), []

        @task(name, **{"queue": "network"} | options)
        def noted(**args):
            calls.append(args)
            return run(**args)

        made.append(name)
        return name, calls

    yield make
    for name in made:
        del registry[name]
        with main_server().cursor() as cursor:
            cursor.execute("DELETE FROM local.outbox WHERE task = %s", [name])
            cursor.execute("DELETE FROM local.dead_letter WHERE task = %s", [name])
