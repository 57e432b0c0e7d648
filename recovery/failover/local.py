"""The data centre on this machine, as a place to promote in: processes that `stack` keeps, one PgBouncer."""

import getpass
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from select import POLLIN, POLLOUT, poll
from typing import Any

import psutil
import psycopg2
from django.conf import settings

from instagram import topology
from instagram.topology import Node
from recovery.failover.sites import FailoverError, NotAnswering, Refused, Row
from stack import accounts, commands, paths, prepare, probes, processes, render, replicas, waiting
from stack.errors import StackError

#: Seconds that a server gets to end by itself before it is killed.
STOP_S = 20.0


class LocalMachine:
    """A node of this machine's data centre."""

    keeps_role = False

    def __init__(self, node: Node) -> None:
        self.node = node
        self.data = str(paths.data(node.name))
        self.binaries = str(replicas.POSTGRES_BIN)
        self.config = str(paths.etc("postgresql.conf"))

    def sql(self, statement: str, *, database: str = "postgres", seconds: float = 5.0) -> list[Row]:
        """Run one statement as superuser. Raises NotAnswering."""
        try:
            link = psycopg2.connect(
                host=self.node.host,
                port=self.node.port,
                dbname=database,
                user="postgres",
                password=settings.DB_SUPERUSER_PASSWORD,
                connect_timeout=probes.TIMEOUT_S,
                # Also for a server that is frozen: what the kernel acknowledges for it proves nothing.
                async_=1,
            )
            ends = time.monotonic() + probes.TIMEOUT_S
            _wait(link, ends)
            with link.cursor() as cursor:
                # Nothing here is worth waiting for a replica that is away.
                cursor.execute("SET synchronous_commit = local")
                _wait(link, time.monotonic() + probes.TIMEOUT_S)
                cursor.execute(statement)
                _wait(link, time.monotonic() + seconds)
                return cursor.fetchall() if cursor.description else []
        except psycopg2.OperationalError as error:
            raise NotAnswering(f"{self.node.name} at {self.node.address}: {_first_line(error)}") from error
        except psycopg2.Error as error:
            raise FailoverError(f"{self.node.name} says: {_first_line(error)}") from error
        finally:
            if "link" in locals():
                link.close()

    def shell(self, script: str, *, seconds: float = 60.0, secret: str = "") -> str:
        """Run a script as the account of the servers; return what it printed. Raises FailoverError.

        secret: comes to the script at its standard input.
        """
        try:
            done = subprocess.run(
                ["/bin/bash", "-c", script],
                capture_output=True,
                text=True,
                input=secret,
                timeout=seconds,
                check=False,
                cwd="/",
                umask=0o077,
                **accounts.servers().popen_arguments(),
            )
        except subprocess.TimeoutExpired as error:
            raise FailoverError(f"{self.node.name}: not done after {seconds:.0f} s") from error
        if done.returncode:
            said = (done.stdout + done.stderr).strip().splitlines() or ["no reason given"]
            raise FailoverError(f"{self.node.name}: {said[-1]}")
        return str(done.stdout)

    def fence(self, *, gently: bool) -> None:
        """End the node's server and let the supervisor leave it dead."""
        held = paths.run(f"{self.node.name}.held")
        held.touch()
        pid = processes.running(self.node.name)
        if pid is not None:
            if gently:
                processes.stop(self.node.name, signal.SIGINT, STOP_S)
            else:
                # Frozen or not, not one more answer: a thawed backend could still acknowledge a commit.
                members = processes.family(pid)
                processes.send(pid, signal.SIGKILL)
                psutil.wait_procs(members, timeout=5)
        waiting.ring()
        self._wait_for_state("held")

    def release(self) -> None:
        """Let the supervisor start the node's server."""
        paths.run(f"{self.node.name}.held").unlink(missing_ok=True)
        waiting.ring()

    def _wait_for_state(self, state: str) -> None:
        ends = time.monotonic() + STOP_S
        while waiting.facts().get(self.node.name, {}).get("state") != state:
            if time.monotonic() > ends:
                raise FailoverError(f"the supervisor does not leave {self.node.name} {state}")
            time.sleep(0.02)


class LocalSite:
    """The data centre that bin/up started."""

    def __init__(self, say: Callable[[str], None] = print, *, must_run: bool = True) -> None:
        """must_run: raise Refused unless it runs; who only asks servers and tells them needs no supervisor."""
        self.say = say
        if must_run and processes.running("supervisor") is None:
            raise Refused("the data centre does not run; bin/up --full starts it")

    def nodes(self, server: str) -> list[Node]:
        """Return a server's nodes."""
        if server not in topology.servers():
            raise Refused(f"there is no server {server}; there are {', '.join(topology.servers())}")
        return topology.nodes(server) if topology.replica(server) else [topology.primary(server)]

    def machine(self, node: Node) -> LocalMachine:
        """Return where a node runs: here."""
        return LocalMachine(node)

    def facts(self, server: str) -> dict[str, Any]:
        """Return what is written down of a server."""
        return topology.facts(server)

    def note(self, server: str, **changes: Any) -> None:
        """Write facts of a server down. The new configuration is what runs: bin/up shall not start all anew for it."""
        settled = _text("fingerprint") == render.fingerprint()
        topology.note(server, **changes)
        if settled:
            paths.run("fingerprint").write_text(render.fingerprint())

    def wants_synchrony(self, server: str) -> bool:
        """Return what was told by hand (`replicas sync`), else what the settings say."""
        return bool(self.facts(server).get("synchronous", settings.REPLICATION_SYNCHRONOUS))

    def databases(self, server: str) -> list[str]:
        """Return the server's databases: the service's, the tests', the benchmarks'."""
        return [server + suffix for suffix in prepare.SUFFIXES]

    def pause(self, server: str, seconds: float) -> None:
        """Pause the server's databases in PgBouncer. Raises Refused when transactions there take too long."""
        # Who waits shall wait until it is over, and not be told after 2 s; repoint() reads the file's value again.
        self._console(f"SET query_wait_timeout = {int(seconds) + 10}")
        ends = time.monotonic() + seconds
        for database in self.databases(server):
            try:
                self._console(f"PAUSE {database}", seconds=max(0.1, ends - time.monotonic()))
            except FailoverError as error:
                self.resume(server)
                self._console("RELOAD")
                raise Refused(
                    f"transactions on {server} are not over after {seconds:.0f} s: nothing changed"
                ) from error

    def resume(self, server: str) -> None:
        """End the pause."""
        for database in self.databases(server):
            try:
                self._console(f"RESUME {database}")
            except FailoverError as error:
                if "not paused" not in str(error):
                    raise

    def repoint(self, server: str) -> None:
        """Write PgBouncer's configuration anew and let it read it."""
        render.render_all()
        self._console("RELOAD")

    def record(self, **facts: Any) -> None:
        """Append a line to promotions.jsonl in the state directory."""
        line = {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "by": me()} | facts
        with (paths.state() / "promotions.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _console(self, command: str, *, seconds: float = 5.0) -> None:
        try:
            link = psycopg2.connect(
                host="127.0.0.1",
                port=settings.PGBOUNCER_PORT,
                dbname="pgbouncer",
                user=settings.DB_USER,
                password=settings.DB_PASSWORD,
                async_=1,
            )
        except psycopg2.Error as error:
            raise FailoverError(f"PgBouncer's console: {_first_line(error)}") from error
        try:
            _wait(link, time.monotonic() + probes.TIMEOUT_S)
            with link.cursor() as cursor:
                cursor.execute(command)
                _wait(link, time.monotonic() + seconds)
        except psycopg2.Error as error:
            raise FailoverError(f"PgBouncer, {command}: {_first_line(error)}") from error
        finally:
            link.close()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keep bin/up and other promotions of this data centre away meanwhile. Raises Refused."""
    try:
        with commands.one_at_a_time():
            yield
    except StackError as error:
        raise Refused(str(error)) from error


def me() -> str:
    """Return who this is, for the record."""
    return os.environ.get("DEPLOY_AS") or getpass.getuser()


def _text(name: str) -> str:
    file = paths.run(name)
    return file.read_text() if file.exists() else ""


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _wait(link: Any, until: float) -> None:
    """Bring an asynchronous connection to the end of what it does. Raises psycopg2.OperationalError when it is late."""
    while (state := link.poll()) != psycopg2.extensions.POLL_OK:
        ready = poll()
        ready.register(link.fileno(), POLLIN if state == psycopg2.extensions.POLL_READ else POLLOUT)
        if not ready.poll(max(0.0, until - time.monotonic()) * 1000):
            raise psycopg2.OperationalError("no answer in time")
