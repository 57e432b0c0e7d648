"""aioapns with its faults mended: one connection that may live long, and the pool that keeps it.

Of aioapns 4.0: every push that is taken stays in `request_streams`; an answer without a body, or without apns-id, is
waited for for ever; Retry-After is not read; the first requests may go out before the server has said how many it
takes; what does not fit the server's window raises and leaves its stream open; each new connection signs a new
provider token, which Apple refuses when it happens often; a server that is away is knocked at by everybody in turn;
and what ended with a GOAWAY is tried again at once on the connection that is closing. Trying again, with pauses, is
apns.py's.
"""

import asyncio
import json
import ssl
from dataclasses import dataclass
from functools import partial
from typing import Any

from aioapns.common import NotificationRequest
from aioapns.connection import (
    APNsBaseClientProtocol,
    APNsKeyConnectionPool,
    APNsTLSClientProtocol,
    JWTAuthorizationHeaderProvider,
)
from aioapns.exceptions import ConnectionClosed

#: Bytes that the server must be ready to take before another push goes out, twice the largest; seconds between looks.
WINDOW_MIN, WINDOW_PAUSE_S = 8_192, 0.005


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. status 0: it answered in no way we understand. timestamp: ms since 1970."""

    status: int
    reason: str = ""
    timestamp: int | None = None
    retry_after_s: float | None = None


class Connection(APNsTLSClientProtocol):
    """One connection; answers end with their streams."""

    #: Seconds: Apple wants connections to be kept, and closes them itself.
    INACTIVITY_TIME = 3_600

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.greeted = asyncio.Event()
        self._heads: dict[str, dict[bytes, bytes]] = {}
        self._bodies: dict[int, bytes] = {}

    async def send_notification(self, request: NotificationRequest) -> Any:
        """Send; return the Answer. Raises ConnectionClosed when the connection is lost meanwhile."""
        # Nothing is awaited between this look and the sending, as long as there are free streams.
        while self.conn.outbound_flow_control_window < WINDOW_MIN:
            if self.transport is None or self.transport.is_closing():
                raise ConnectionClosed("closed while the server's window was full")
            await asyncio.sleep(WINDOW_PAUSE_S)
        return await super().send_notification(request)

    def on_remote_settings_changed(self, changed_settings: Any) -> None:
        """Note that the server has said how much it takes."""
        super().on_remote_settings_changed(changed_settings)
        self.greeted.set()

    def on_response_received(self, headers: dict[bytes, bytes]) -> None:
        """Keep the head until its stream ends."""
        self._heads[headers.get(b"apns-id", b"").decode(errors="replace")] = headers

    def on_data_received(self, raw_data: bytes, stream_id: int) -> None:
        """Keep the body until its stream ends."""
        self._bodies[stream_id] = self._bodies.get(stream_id, b"") + raw_data

    def on_stream_ended(self, stream_id: int) -> None:
        """Hand the answer to whoever waits for it, and forget the request."""
        super().on_stream_ended(stream_id)
        notification_id = self.request_streams.pop(stream_id, "")
        head = self._heads.pop(notification_id, {})
        body = self._bodies.pop(stream_id, b"")
        waiting = self.requests.pop(notification_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(_answer(head, body))  # type: ignore[arg-type]  # ours, which says more

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake those who wait for a greeting, too."""
        self.greeted.set()
        super().connection_lost(exc)


class Pool(APNsKeyConnectionPool):
    """The connection to one server: made when it is needed, kept, made anew when it is lost."""

    def __init__(
        self, address: str, tls: ssl.SSLContext, *, key: str, key_id: str, team_id: str, topic: str, timeout_s: float
    ) -> None:
        super().__init__(key=key, key_id=key_id, team_id=team_id, topic=topic, ssl_context=tls, max_connections=1)
        host, _, port = address.rpartition(":")
        facts = {"APNS_SERVER": host, "APNS_PORT": int(port)}
        self.protocol_class = type("Connection", (Connection,), facts)
        self.timeout_s = timeout_s
        # One for all connections: Apple refuses tokens that change more often than every 20 minutes.
        self.signer = JWTAuthorizationHeaderProvider(key=key, key_id=key_id, team_id=team_id)
        self._failed_at = float("-inf")

    async def acquire(self) -> APNsBaseClientProtocol:
        """Return the connection, made if there is none. Raises what connecting raises, TimeoutError."""
        asked_at = self.loop.time()
        async with self._lock:
            for connection in self.connections:
                if connection.transport is not None and not connection.transport.is_closing():
                    return connection
            if self._failed_at >= asked_at:
                raise ConnectionError("somebody has just tried in vain")
            try:
                connection = await asyncio.wait_for(self._connect(), self.timeout_s)
            except Exception:
                self._failed_at = self.loop.time()
                raise
            self.connections.append(connection)
            return connection

    def drop(self) -> None:
        """Abandon the connection: the server does not answer. Whoever waits on it is told."""
        for connection in list(self.connections):
            if connection.transport is not None:
                connection.transport.abort()

    def discard_connection(self, connection: APNsBaseClientProtocol) -> None:
        """Forget a lost connection; one that was lost while it was made was never kept."""
        if connection in self.connections:
            self.connections.remove(connection)

    async def _connect(self) -> Connection:
        """Connect, and wait until the server has said how many requests it takes at once."""
        factory = partial(self.protocol_class, self.apns_topic, self.loop, self.discard_connection, self.signer)  # type: ignore[arg-type]  # declared wrongly there
        connection: Connection = await self._create_connection(factory)  # type: ignore[assignment]  # what factory makes
        await connection.greeted.wait()
        if connection.transport is None or connection.transport.is_closing():
            raise ConnectionResetError("closed before it said anything")
        return connection


def _answer(head: dict[bytes, bytes], body: bytes) -> Answer:
    try:
        facts = json.loads(body) if body else {}
        status = int(head.get(b":status", b"0"))
    except ValueError:
        return Answer(0)
    if not isinstance(facts, dict):
        facts = {}
    timestamp = facts.get("timestamp")
    return Answer(
        status,
        str(facts.get("reason", "")),
        timestamp if isinstance(timestamp, int) else None,
        _seconds(head.get(b"retry-after", b"")),
    )


def _seconds(retry_after: bytes) -> float | None:
    # The other form, a date, is not what Apple sends.
    return float(retry_after) if retry_after.isdigit() else None
