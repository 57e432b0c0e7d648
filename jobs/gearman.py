"""pygearman, with its faults wrapped once.

What it does wrong and what stands against it here (pygearman 0.2.6): a client that met any exception answers
nonsense later (dropped); after gearmand's restart the first submit fails (once more, on a fresh client); a hung
server blocks for ever without poll_timeout (always given) and is no exception with it (the state is looked at);
connecting has no time limit (our own socket); several servers are tried at random, and one that dies fails the whole
submit (one client per server, tried in turn); it is neither thread- nor fork-safe (clients per process and thread);
task names arrive as bytes; a job that returns anything but bytes kills the worker (nothing is returned).
"""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from gearman import GearmanClient, GearmanWorker
from gearman.connection import GearmanConnection
from gearman.constants import JOB_CREATED
from gearman.errors import ConnectionError as GearmanConnectionError
from gearman.errors import ServerUnavailable
from gearman.protocol import GEARMAN_COMMAND_WORK_COMPLETE
from gearman.worker_handler import GearmanWorkerCommandHandler

from instagram import tracing

if TYPE_CHECKING:
    from .outbox import Job

log = logging.getLogger(__name__)

#: Seconds until a worker or the relay gives up connecting to a gearmand.
CONNECT_TIMEOUT_S = 0.5
#: Seconds between a worker's tries to reach a gearmand that is away.
RECONNECT_S = 0.5
#: Seconds between looks at the stop signal while there is nothing to do.
POLL_S = 0.25
#: Jobs a worker takes from one gearmand before it listens to the others.
IN_A_ROW = 50

_local = threading.local()
#: gearmand server -> moment (monotonic) until which no submit is tried there. One for the process.
_paused_until: dict[str, float] = {}


def function_name(task: str) -> bytes:
    """Return a task's name on gearmand."""
    return (settings.JOBS_NAMESPACE + task).encode()


# --- Submitting ------------------------------------------------------------------------------------------------------


def submit_soon(jobs: Sequence["Job"]) -> bool:
    """Submit in a request: at most JOBS_SUBMIT_TIMEOUT_MS. True when gearmand has them all. Never raises."""
    return not submit(jobs, timeout_s=settings.JOBS_SUBMIT_TIMEOUT_MS / 1000)


def submit(jobs: Iterable["Job"], *, timeout_s: float) -> list["Job"]:
    """Submit jobs in the background; return those that no gearmand took. Never raises.

    A job has its favourite gearmand, so that what is submitted twice meets itself there and is done once; the next
    one serves while that is away. After a failure a server is left alone for JOBS_SUBMIT_PAUSE_S.
    """
    left = list(jobs)
    servers = settings.GEARMAND_SERVERS
    since = time.perf_counter()
    until = time.monotonic() + timeout_s
    for turn in range(len(servers)):
        groups: dict[str, list[Job]] = {}
        for job in left:
            groups.setdefault(servers[(job.row_id + turn) % len(servers)], []).append(job)
        left = []
        for server, group in groups.items():
            # Keeps time for the servers after this one.
            share = (until - time.monotonic()) / (len(servers) - turn)
            if not _submit_to(server, group, share):
                left += group
        if not left:
            break
    tracing.add("gearman", seconds=time.perf_counter() - since)
    return left


def some_server_answers() -> bool:
    """Return whether a submit has a chance: a gearmand is not paused, or answers (and is not paused any more)."""
    for server in settings.GEARMAND_SERVERS:
        if not _is_paused(server):
            return True
        with contextlib.suppress(OSError):
            ask(server, "version", timeout_s=CONNECT_TIMEOUT_S)
            _paused_until.pop(server, None)
            return True
    return False


def _is_paused(server: str) -> bool:
    return time.monotonic() < _paused_until.get(server, 0.0)


def _submit_to(server: str, jobs: list["Job"], timeout_s: float) -> bool:
    if _is_paused(server):
        return False
    wanted = [{"task": function_name(job.task), "data": job.payload(), "unique": job.identity} for job in jobs]
    until = time.monotonic() + timeout_s
    for _ in range(2):
        left = until - time.monotonic()
        if left <= 0.0:
            break
        try:
            requests = _client(server, left).submit_multiple_jobs(
                wanted, background=True, wait_until_complete=False, poll_timeout=left
            )
        except Exception as error:  # the library raises KeyError and TypeError as well as its own
            log.info("gearmand %s took no job: %s", server, type(error).__name__)
        else:
            if all(request.state == JOB_CREATED for request in requests):
                return True
        _drop_client(server)
    _paused_until[server] = time.monotonic() + settings.JOBS_SUBMIT_PAUSE_S
    return False


class _Connection(GearmanConnection):
    """A connection that is made within a time limit, and noticed when its other end is gone without a word."""

    connect_timeout_s = CONNECT_TIMEOUT_S

    def _create_client_socket(self) -> None:
        try:
            connected = socket.create_connection((self.gearman_host, self.gearman_port), self.connect_timeout_s)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, seconds in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)
        except OSError as error:
            self.throw_exception(exception=error)
        self.set_socket(connected)


class _Client(GearmanClient):
    connection_class = _Connection


def _client(server: str, timeout_s: float) -> _Client:
    if getattr(_local, "pid", None) != os.getpid():
        # A child must not write to its parent's sockets; closing its copies of them does no harm.
        _local.clients, _local.pid = {}, os.getpid()
    client: _Client | None = _local.clients.get(server)
    if client is None:
        client = _local.clients[server] = _Client([server])
    client.connection_list[0].connect_timeout_s = timeout_s
    return client


def _drop_client(server: str) -> None:
    client = _local.clients.pop(server, None)
    if client is not None:
        with contextlib.suppress(Exception):  # it is being thrown away
            client.shutdown()


# --- Working ---------------------------------------------------------------------------------------------------------


class _JobHandler(GearmanWorkerCommandHandler):
    """One connection of a receiver. After a job it asks for the next one at once, in the same packet as its answer.

    The library sleeps and waits to be woken between two jobs: a round trip more for each.
    """

    def recv_job_assign_uniq(self, job_handle: bytes, task: bytes, unique: bytes | None, data: bytes) -> bool:
        receiver: Receiver = self.connection_manager
        if not receiver.go_on():
            # Told to stop while the question was under way: closing the connection gives the job back.
            self._release_job_lock()
            return False
        receiver.run(bytes(data))
        self.send_command(GEARMAN_COMMAND_WORK_COMPLETE, job_handle=job_handle, data=b"")
        receiver.in_a_row += 1
        if not receiver.go_on():
            self._release_job_lock()
        elif receiver.in_a_row < IN_A_ROW or len(receiver.connection_list) == 1:
            self._grab_job()
        else:
            receiver.in_a_row = 0
            self._release_job_lock()
            self._sleep()
        receiver.push(self)
        return receiver.go_on()

    def recv_no_job(self) -> bool:
        receiver: Receiver = self.connection_manager
        super().recv_no_job()
        receiver.push(self)
        receiver.idle()
        return True


class Receiver(GearmanWorker):
    """Takes jobs from every gearmand, one at a time, for as long as go_on() says so.

    run: given a job's payload; must not raise. idle: called when there is nothing to do for now.
    """

    command_handler_class = _JobHandler
    connection_class = _Connection

    def __init__(
        self,
        tasks: Iterable[str],
        *,
        run: Callable[[bytes], None],
        go_on: Callable[[], bool],
        idle: Callable[[], None],
    ) -> None:
        super().__init__(settings.GEARMAND_SERVERS)
        self.run, self.go_on, self.idle = run, go_on, idle
        self.in_a_row = 0
        self._not_before: dict[Any, float] = {}
        self.set_client_id(f"{socket.gethostname()}:{os.getpid()}")
        for task in tasks:
            self.register_task(function_name(task), None)  # the handler runs it

    def work_until_stopped(self) -> None:
        """Work; connects again for as long as that takes. Raises what the library raises on nonsense."""
        try:
            while self.go_on():
                connections = self.establish_worker_connections()
                if connections:
                    with contextlib.suppress(ServerUnavailable):  # the last of them broke
                        self.poll_connections_until_stopped(connections, lambda _: self.go_on(), timeout=POLL_S)
                if not any(connection.connected for connection in connections):
                    self.idle()
                    if self.go_on():
                        time.sleep(RECONNECT_S)
        finally:
            self.shutdown()

    def establish_connection(self, current_connection: Any) -> Any:
        """Connect, unless that failed a moment ago; called by the library for each server, connected or not."""
        if not current_connection.connected:
            now = time.monotonic()
            if now < self._not_before.get(current_connection, 0.0):
                raise GearmanConnectionError
            self._not_before[current_connection] = now + RECONNECT_S
        return super().establish_connection(current_connection)

    def push(self, handler: _JobHandler) -> None:
        """Send what a connection has to say now rather than after the next poll."""
        connection = self.handler_to_connection_map[handler]
        connection.send_commands_to_buffer()
        connection.send_data_to_socket()


# --- Asking ----------------------------------------------------------------------------------------------------------


def queue_lengths(server: str, *, timeout_s: float = 1.0) -> dict[str, tuple[int, int, int]]:
    """Return task -> (waiting, running, workers) of one gearmand, for our namespace. Raises OSError."""
    found = {}
    for line in ask(server, "status", timeout_s=timeout_s).splitlines():
        name, *numbers = line.split("\t")
        if len(numbers) == 3 and name.startswith(settings.JOBS_NAMESPACE):
            task = name.removeprefix(settings.JOBS_NAMESPACE)
            if ":" not in task:  # another namespace's, when ours is the empty one
                total, running, workers = map(int, numbers)
                found[task] = (total - running, running, workers)
    return found


def ask(server: str, question: str, *, timeout_s: float) -> str:
    """Ask a gearmand by its text protocol: "status" (many lines) or "version" (one). Raises OSError."""
    host, _, port = server.rpartition(":")
    end = b"\n" if question == "version" else b".\n"
    until = time.monotonic() + timeout_s
    with socket.create_connection((host, int(port)), timeout_s) as connection:
        connection.sendall(question.encode() + b"\n")
        answer = b""
        while not (answer == end or answer.endswith(end if end == b"\n" else b"\n" + end)):
            connection.settimeout(max(0.001, until - time.monotonic()))
            received = connection.recv(65536)
            if not received:
                raise ConnectionResetError(f"gearmand {server} hung up")
            answer += received
    return answer.decode(errors="replace")


__all__ = [
    "Receiver",
    "ask",
    "function_name",
    "queue_lengths",
    "some_server_answers",
    "submit",
    "submit_soon",
]
