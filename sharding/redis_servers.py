"""Round trips to several Redis servers at once; a server that is away costs one time-out now and then, never an error.

All servers are written to before any answer is read, so a call takes as long as the slowest of them. After a failure
a server rests for PAUSE_S; then one thread tries it while the others go on without.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from instagram import topology, tracing
from instagram.counting import count

log = logging.getLogger(__name__)

#: Seconds a server that failed is left alone.
PAUSE_S = 1.0

Command = tuple[Any, ...]


class _Server:
    """One Redis server as this process sees it. address: as in the settings, wherever its primary is now."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._failed = False
        self._rests_until = 0.0
        self._follow()

    def _follow(self) -> None:
        """Turn to where the primary is now."""
        self.now_at = topology.primary_address(self.address)
        host, _, port = self.now_at.rpartition(":")
        timeout = settings.PHOTO_MAP_TIMEOUT_S
        self.pool = redis.ConnectionPool(
            host=host,
            port=int(port),
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            protocol=2,
            retry=Retry(NoBackoff(), 0),  # the pause below is our retry
        )

    def may_be_asked(self) -> bool:
        """Return False while the server rests; after a rest True for one caller, the others wait for what it finds."""
        if not self._failed:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._rests_until:
                return False
            self._rests_until = now + PAUSE_S
        # Away, or made a replica that refuses to be written to: somebody may have promoted another meanwhile.
        if topology.primary_address(self.address) != self.now_at:
            log.warning("Redis server %s is promoted elsewhere", self.address)
            self._follow()
        return True

    def failed(self, error: Exception) -> None:
        """Let the server rest."""
        count("map_server_failures")
        with self._lock:
            if not self._failed:
                log.warning("Redis server %s is away: %s", self.address, error)
            self._failed, self._rests_until = True, time.monotonic() + PAUSE_S

    def answered(self) -> None:
        """End the rest."""
        if self._failed:
            log.warning("Redis server %s is back", self.address)
            self._failed = False

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Lend a connection; one that did not come to the end of its answers is closed."""
        connection = self.pool.get_connection()
        try:
            yield connection
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self.pool.release(connection)


_servers: dict[str, _Server] = {}


def ask(commands: Mapping[str, Sequence[Command]]) -> dict[str, list[Any]]:
    """Send each server ("host:port") its commands in one go and return the answers; a server that failed is left out.

    An error among a server's answers counts as a failure of that server, whatever else it did.
    """
    answers: dict[str, list[Any]] = {}
    since = time.perf_counter()
    with ExitStack() as stack:
        sent = []
        for address, its_commands in commands.items():
            server = _server(address)
            if not its_commands or not server.may_be_asked():
                continue
            try:
                connection = stack.enter_context(server.connection())
                connection.send_packed_command(connection.pack_commands(its_commands), check_health=False)
            except (redis.RedisError, OSError) as error:
                server.failed(error)
            else:
                sent.append((server, connection, len(its_commands)))
        deadline = time.monotonic() + settings.PHOTO_MAP_TIMEOUT_S
        for server, connection, count in sent:
            try:
                answers[server.address] = [
                    connection.read_response(timeout=max(deadline - time.monotonic(), 0.001)) for _ in range(count)
                ]
            except (redis.RedisError, OSError) as error:
                connection.disconnect()
                server.failed(error)
            else:
                server.answered()
    if sent:
        tracing.add("redis", seconds=time.perf_counter() - since, times=len(sent))
    return answers


def _server(address: str) -> _Server:
    server = _servers.get(address)
    return server if server is not None else _servers.setdefault(address, _Server(address))


# A child must not share its parent's sockets, nor wait for a lock that some thread of the parent held.
os.register_at_fork(after_in_child=_servers.clear)
