"""HTTP/2 over TLS for the stand-in: one asyncio protocol per connection, on the h2 library."""

import asyncio
import contextlib
import json
import ssl
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from . import keys
from .rules import PAYLOAD_MAX, Provider, TokenOfConnection, Verdict, judge
from .steering import Steering

#: As many requests at once on one connection as Apple allows.
STREAMS_MAX = 1_000

Record = dict[str, Any]
_CONFIGURATION = H2Configuration(client_side=False, header_encoding="utf-8", validate_inbound_headers=False)


@dataclass
class _Request:
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, provider: Provider, steering: Steering, keep: Callable[[list[Record]], None]) -> None:
        self.provider, self.steering, self.keep = provider, steering, keep
        self.h2 = H2Connection(_CONFIGURATION)
        self.transport: asyncio.Transport | None = None
        self.token = TokenOfConnection()
        self.requests: dict[int, _Request] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self.transport = transport  # type: ignore[assignment]  # TLS gives a Transport
        self.h2.local_settings = Settings(
            client=False, initial_values={SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS_MAX}
        )
        self.h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take what came; answer the requests that are whole."""
        try:
            events = self.h2.receive_data(data)
        except ProtocolError:
            self._flush()
            self._close()
            return
        whole = []
        for event in events:
            stream_id: int = getattr(event, "stream_id", None) or 0
            if isinstance(event, RequestReceived):
                self.requests[stream_id] = _Request(dict(event.headers))  # type: ignore[arg-type]  # text, as configured
            elif isinstance(event, DataReceived):
                request = self.requests.get(stream_id)
                # One byte over the limit is enough to know.
                if request is not None and len(request.body) <= PAYLOAD_MAX:
                    request.body += event.data or b""
                self.h2.acknowledge_received_data(event.flow_controlled_length or 0, stream_id)
            elif isinstance(event, StreamEnded) and stream_id in self.requests:
                whole.append((stream_id, self.requests.pop(stream_id)))
            elif isinstance(event, StreamReset):
                self.requests.pop(stream_id, None)
        if whole and not self.steering.silent:
            self._answer_all(whole)
        self._flush()

    def _answer_all(self, whole: list[tuple[int, _Request]]) -> None:
        answers = [(stream_id, request, self._verdict(request)) for stream_id, request in whole]
        ids = [request.headers.get("apns-id") or str(uuid.uuid4()) for _, request, _ in answers]
        # Kept before it is answered: what a client was told it delivered has arrived, whoever is killed next.
        self.keep([_record(each[1], each[2], apns_id) for each, apns_id in zip(answers, ids, strict=True)])
        last = False
        for (stream_id, _, verdict), apns_id in zip(answers, ids, strict=True):
            self._answer(stream_id, verdict, apns_id)
            last = self.steering.is_time_to_go() or last
        if last:
            self.h2.close_connection(ErrorCodes.NO_ERROR)
            self._flush()
            self._close()

    def _verdict(self, request: _Request) -> Verdict:
        verdict = judge(request.headers, bytes(request.body), self.provider, self.token)
        if verdict.status == 200:
            return self.steering.verdict_for(_device_token(request)) or verdict
        return verdict

    def _answer(self, stream_id: int, verdict: Verdict, apns_id: str) -> None:
        headers = [(":status", str(verdict.status)), ("apns-id", apns_id)]
        if verdict.retry_after is not None:
            headers.append(("retry-after", str(verdict.retry_after)))
        body: Record = {"reason": verdict.reason} if verdict.reason else {}
        if verdict.timestamp is not None:
            body["timestamp"] = verdict.timestamp
        # A stream that its client reset meanwhile, or a connection that is over, needs no answer.
        with contextlib.suppress(ProtocolError):
            self.h2.send_headers(stream_id, headers, end_stream=not body)
            if body:
                self.h2.send_data(stream_id, json.dumps(body).encode(), end_stream=True)

    def _flush(self) -> None:
        if self.transport is not None and (data := self.h2.data_to_send()):
            self.transport.write(data)

    def _close(self) -> None:
        if self.transport is not None:
            self.transport.close()


async def listen(
    folder: Path,
    port: int,
    *,
    key_id: str,
    team_id: str,
    topic: str,
    keep: Callable[[list[Record]], None],
    steering: Steering | None = None,
) -> asyncio.Server:
    """Listen on 127.0.0.1 (port 0: any free one) with the certificates of `folder`, made if they are missing."""
    keys.ensure(folder)
    provider = Provider(keys.public_key(folder), key_id, team_id, topic)
    orders = steering or Steering()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / keys.SERVER, folder / keys.SERVER_KEY)
    tls.set_alpn_protocols(["h2"])
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(provider, orders, keep), "127.0.0.1", port, ssl=tls)


def _device_token(request: _Request) -> str:
    return request.headers.get(":path", "").rpartition("/")[2]


def _record(request: _Request, verdict: Verdict, apns_id: str) -> Record:
    try:
        payload = json.loads(request.body)
    except ValueError:
        payload = None
    record: Record = {"status": verdict.status, "reason": verdict.reason, "token": _device_token(request)}
    record |= {"apns_id": apns_id, "payload": payload}
    return record | {
        name: request.headers.get(f"apns-{name.replace('_', '-')}")
        for name in ("topic", "priority", "expiration", "collapse_id", "push_type")
    }
