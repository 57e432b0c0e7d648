"""Processes of Redis, memcached and the web of a test's own, which it may kill, freeze and start again."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.waiting import wait_until


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class OwnServer:
    """A server on a free loopback port; start() it, again after kill() if you like."""

    command: list[str]  # {port} stands for the port
    port: int = field(default_factory=free_port)
    env: dict[str, str] = field(default_factory=dict)  # beside our own
    log: Path | None = None  # what it says is appended there
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        """Return "host:port"."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        command = [word.format(port=self.port) for word in self.command]
        with (self.log or Path(os.devnull)).open("ab") as log:
            self.process = subprocess.Popen(command, env=os.environ | self.env, stdout=log, stderr=subprocess.STDOUT)
        wait_until(self._takes_connections, what=f"{command[0]} on port {self.port}")

    def kill(self) -> None:
        """Kill it with all it holds in memory."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze it: it takes connections and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _takes_connections(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def own_redis(*options: str) -> Iterator[OwnServer]:
    """Yield a Redis server without a disk, started; it is gone afterwards."""
    yield from _running(
        ["redis-server", "--bind", "127.0.0.1", "--port", "{port}", "--save", "", "--appendonly", "no", *options]
    )


@contextmanager
def own_memcached(*options: str) -> Iterator[OwnServer]:
    """Yield a memcached server, started; it is gone afterwards."""
    yield from _running(["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", "{port}", "-U", "0", *options])


def _running(command: list[str]) -> Iterator[OwnServer]:
    server = OwnServer(command)
    server.start()
    try:
        yield server
    finally:
        server.kill()
