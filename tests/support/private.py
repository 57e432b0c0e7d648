"""A data centre of the tests' own, to kill and freeze servers in: other ports, other state, gone afterwards."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings

from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class PrivateStack:
    """A running data centre. Components have the names that `bin/up --status` shows: postgres_shard_a, gearmand, …

    env: for subprocesses that shall speak to it (development settings, databases without suffix).
    """

    state_dir: Path
    env: dict[str, str]
    up_arguments: list[str] = field(default_factory=list)

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run bin/up on it."""
        return self.run([str(ROOT / "bin" / "up"), "--no-demo", *self.up_arguments, *arguments], check=False)

    def down(self) -> subprocess.CompletedProcess[str]:
        """Run bin/down on it."""
        return self.run([str(ROOT / "bin" / "down")], check=False)

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program against it."""
        options = {"check": True, "timeout": 180, "capture_output": True, "text": True} | options
        return subprocess.run(command, cwd=ROOT, env=self.env, **options)  # noqa: PLW1510  # check is in options

    def manage(self, *words: str, **options: Any) -> str:
        """Run a management command against it and return what it said; it must succeed."""
        result = self.run([sys.executable, "manage.py", *words], check=False, **options)
        assert result.returncode == 0, f"manage.py {' '.join(words)}: {result.stdout}{result.stderr}"
        return result.stdout

    @property
    def components(self) -> dict[str, dict[str, Any]]:
        """What its supervisor knows: state, pid, ports, restarts by component."""
        return json.loads((self.state_dir / "run" / "status.json").read_text())

    @property
    def ports(self) -> dict[str, int]:
        """The main port of each component that listens."""
        return {name: facts["ports"][0] for name, facts in self.components.items() if facts["ports"]}

    @property
    def url(self) -> str:
        """The address clients use."""
        return f"http://127.0.0.1:{self.ports['haproxy' if 'haproxy' in self.ports else 'nginx_app']}"

    @property
    def page(self) -> str:
        """The address of the page that shows what would have left the machine."""
        return f"http://127.0.0.1:{self.ports['stack_page']}"

    def pid(self, name: str) -> int:
        """Return the pid of a component that runs."""
        pid = self.components[name]["pid"]
        assert pid, f"{name} does not run: {self.components[name]}"
        return int(pid)

    def restarts(self, name: str) -> int:
        """Return how often a component was started again."""
        return int(self.components[name]["restarts"])

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Signal a component and all it started (backends, workers); return its pid. Dead ones are started again."""
        pid = self.pid(name)
        head = psutil.Process(pid)
        if how != signal.SIGCONT:
            # It starts nothing more while its children are looked for: one that was missed would go on answering.
            head.suspend()
        for process in [head, *head.children(recursive=True)]:
            with_pid = process.pid
            try:
                os.kill(with_pid, how)
            except ProcessLookupError:
                continue
        return pid

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Freeze a component (SIGSTOP): it takes connections and answers nothing; thaw it at the end."""
        self.kill(name, signal.SIGSTOP)
        try:
            yield
        finally:
            self.kill(name, signal.SIGCONT)
            self.wait_ready(name)

    @contextmanager
    def dead(self, name: str) -> Iterator[None]:
        """Kill a component (SIGKILL) and keep it dead; let it start again at the end."""
        held = self.state_dir / "run" / f"{name}.held"
        held.touch()
        try:
            pid = self.kill(name)
            wait_until(lambda: self.components[name]["pid"] != pid, what=f"{name} is gone")
            yield
        finally:
            held.unlink()
            self.wait_ready(name)

    def wait_ready(self, name: str, *, seconds: float = 30.0, unlike: int | None = None) -> int:
        """Wait until a component answers, under another pid than `unlike`; return its pid."""

        def ready() -> bool:
            facts = self.components[name]
            return facts["state"] == "well" and facts["pid"] not in (None, unlike)

        wait_until(ready, seconds=seconds, what=f"{name} answers")
        return self.pid(name)

    def log(self, name: str) -> str:
        """Return a component's log."""
        return (self.state_dir / "log" / f"{name}.log").read_text(errors="replace")


@contextmanager
def private_place(*up_arguments: str) -> Iterator[PrivateStack]:
    """Yield a data centre that is not started yet, on free ports; it is stopped and removed at the end."""
    # Not pytest's tmp_path: that is closed to the servers' account.
    state_dir = Path(tempfile.mkdtemp(prefix="instagram-stack-"))
    state_dir.chmod(0o755)
    with _free_offset() as offset:
        env = os.environ | {
            "STATE_DIR": str(state_dir),
            "PORT_OFFSET": str(offset),
            "DJANGO_SETTINGS_MODULE": "instagram.settings.development",
            # A load is the work of few people: none of what they do has a pace.
            "PACE_FIRST_DAY": "nothing=0",
            "PACE_LATER": "nothing=0",
        }
        # Lean, unless it is started otherwise, whatever runs beside it.
        env.pop("STACK_KIND", None)
        stack = PrivateStack(state_dir, env, list(up_arguments))
        try:
            yield stack
        finally:
            stack.down()
            shutil.rmtree(state_dir, ignore_errors=True)


@contextmanager
def running_private_stack(*up_arguments: str) -> Iterator[PrivateStack]:
    """Yield a data centre that runs."""
    with private_place(*up_arguments) as stack:
        result = stack.up()
        assert result.returncode == 0, result.stdout + result.stderr
        yield stack


def default_ports() -> list[int]:
    """Return every port of both data centres, lean and full, without offset."""
    ports = [
        settings.APP_PORT,
        settings.CDN_PORT,
        settings.CDN_PURGE_PORT,
        settings.GUNICORN_PORT,
        settings.GUNICORN_2_PORT,
        settings.HAPROXY_STATS_PORT,
        *settings.NGINX_APP_PORTS,
        settings.PGBOUNCER_PORT,
    ]
    ports += [*settings.POSTGRES_PORTS.values(), *settings.REDIS_PORTS, *settings.MEMCACHED_PORTS]
    ports += [*settings.POSTGRES_REPLICA_PORTS.values(), *settings.REDIS_REPLICA_PORTS]
    ports += [
        settings.APNS_PORT,
        settings.STACK_PAGE_PORT,
        settings.SOCIAL_PORT,
        settings.GEARMAND_PORT,
        settings.GEARMAND_2_PORT,
        settings.S3_PORT,
        *settings.SEAWEED_PORTS.values(),
    ]
    return [port - settings.PORT_OFFSET for port in ports]


@contextmanager
def _free_offset() -> Iterator[int]:
    """Yield a port offset whose ports are free, and keep other test runs on this machine away from it."""
    # Below the ports that the kernel hands out to outgoing connections (32768 and up).
    for offset in range(10_000, 15_000, 1_000):
        with (Path(tempfile.gettempdir()) / f"instagram-offset-{offset}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            if all(_free(port + offset) for port in default_ports()):
                yield offset
                return
    raise RuntimeError("no free ports for a private data centre between 10000 and 15000")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0
