"""Apple's push service, as the rest of the room knows it: a list of pushes in, what became of each out.

One event loop on a thread of its own per process, made when the first push goes out and hence after any fork; on it one
connection per server, with APNS_CONCURRENCY requests under way at once.
"""

import asyncio
import functools
import logging
import os
import random
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from aioapns.common import NotificationRequest, PushType
from django.conf import settings

from caching import counters
from instagram import tracing

from .connection import Answer, Pool

log = logging.getLogger(__name__)

#: Tries of one push in one go, for lost connections and faults of a moment; seconds before the second, then doubling.
TRIES, PAUSE_S = 4, 0.25
#: memcached's count of refused keys; an alert stands until a push is taken, at most so many seconds after the first.
KEY_REFUSED, KEY_REFUSED_S = "push-key-refused", 600
#: What Apple says of a device that is not, or not of this environment. Not "DeviceTokenNotForTopic": a mistyped
#: APNS_TOPIC would cost every phone that is pushed to.
_NO_DEVICE = {"BadDeviceToken", "Unregistered", "ExpiredToken"}
_MOMENTARY = {0, 500}


class Outcome(Enum):
    """What became of a push."""

    TAKEN = "taken"
    #: The device is no more.
    GONE = "gone"
    #: It will never be taken as it is: a fault of ours.
    REFUSED = "refused"
    #: Not now.
    LATER = "later"
    #: The provider key is not accepted: nothing goes out until somebody sets it right.
    KEY_REFUSED = "key refused"


@dataclass(frozen=True, slots=True)
class Push:
    """One notification for one device.

    collapse_id: 64 bytes at most. urgent False: when it suits the phone's battery.
    """

    token: str
    sandbox: bool
    apns_id: str
    payload: dict[str, Any]
    collapse_id: str
    urgent: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """timestamp: when a GONE device ceased to be one, ms since 1970. retry_after_s: with LATER, if the server says."""

    outcome: Outcome
    reason: str = ""
    timestamp: int | None = None
    retry_after_s: float | None = None


def is_configured() -> bool:
    """Return whether there is a key to push with."""
    return bool(settings.APNS_KEY or settings.APNS_KEY_FILE)


def send_all(pushes: Sequence[Push]) -> list[Result]:
    """Send; return the results in the same order. Takes as long as the slowest; never raises for what others do.

    Cost: some 0.4 ms of one core each, APNS_CONCURRENCY under way at once.
    """
    if not pushes:
        return []
    sender = _sender(os.getpid())
    with tracing.timed("http", "apns", len(pushes)):
        results = sender.send(pushes)
    refusals = {result.reason for result in results if result.outcome is Outcome.KEY_REFUSED}
    if sender.saw_key_refused and any(result.outcome is Outcome.TAKEN for result in results):
        sender.saw_key_refused = False
        counters.forget(KEY_REFUSED)
    if refusals:
        sender.saw_key_refused = True
        counters.increment(KEY_REFUSED, ttl_s=KEY_REFUSED_S)
        log.error(
            "the push service refuses our key (%s): set APNS_KEY, APNS_KEY_ID and APNS_TEAM_ID right; pushes wait",
            ", ".join(sorted(refusals)),
        )
    return results


def key_is_refused() -> bool:
    """Return whether the key was refused lately. Cost: one look-up in memcached."""
    return counters.read(KEY_REFUSED) > 0


@functools.cache
def _sender(_process: int) -> "_Sender":
    return _Sender()


class _Sender:
    """The event loop's thread and what lives on it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.pools: dict[tuple[str, ...], Pool] = {}
        self.saw_key_refused = False
        threading.Thread(target=self.loop.run_forever, name="apns", daemon=True).start()

    def send(self, pushes: Sequence[Push]) -> list[Result]:
        results: list[Result] = [Result(Outcome.LATER, "not tried")] * len(pushes)
        running = asyncio.run_coroutine_threadsafe(self._send(pushes, results), self.loop)
        try:
            # The watch below ends it long before; this is for a loop that is stuck itself.
            running.result(timeout=60.0 + TRIES * settings.APNS_TIMEOUT_S + len(pushes) * 0.05)
        except FutureTimeoutError:
            log.exception("the event loop of pushes is stuck")
            running.cancel()
        return results

    async def _send(self, pushes: Sequence[Push], results: list[Result]) -> None:
        waiting = iter(enumerate(pushes))
        pool_of = functools.cache(self._pool)
        lanes = [
            asyncio.ensure_future(self._lane(waiting, results, pool_of))
            for _ in range(min(len(pushes), settings.APNS_CONCURRENCY))
        ]
        watch = asyncio.ensure_future(self._drop_the_silent(results))
        try:
            await asyncio.gather(*lanes)
        finally:
            watch.cancel()

    async def _lane(
        self, waiting: Iterator[tuple[int, Push]], results: list[Result], pool_of: Callable[[str], Pool]
    ) -> None:
        until = self.loop.time() + settings.APNS_TIMEOUT_S
        for place, push in waiting:
            results[place] = await self._one(push, pool_of, until)

    async def _one(self, push: Push, pool_of: Callable[[str], Pool], until: float) -> Result:
        """Send one. until: no new try after it; a whole batch that meets a dead server must come to its end."""
        result = Result(Outcome.LATER, "no answer")
        for number in range(TRIES):
            if number:
                if self.loop.time() > until:
                    break
                await asyncio.sleep(PAUSE_S * 2 ** (number - 1) * random.uniform(0.75, 1.25))
            try:
                pool = pool_of(settings.APNS_SANDBOX_SERVER if push.sandbox else settings.APNS_SERVER)
                connection = await pool.acquire()
                answer: Any = await connection.send_notification(_request(push))
            except Exception as error:  # whatever the way there: a closing connection, TLS, h2's state, no key file
                result = Result(Outcome.LATER, f"{type(error).__name__}: {error}"[:200])
                continue
            result = _result(answer)
            if answer.status not in _MOMENTARY:
                return result
        return result

    async def _drop_the_silent(self, results: list[Result]) -> None:
        """Abandon connections on which nothing has moved for APNS_TIMEOUT_S: the library would wait for ever."""
        before = list(map(id, results))
        while True:
            await asyncio.sleep(settings.APNS_TIMEOUT_S)
            now = list(map(id, results))
            if now == before:
                for pool in self.pools.values():
                    pool.drop()
            before = now

    def _pool(self, address: str) -> Pool:
        key = _key()
        facts = (address, settings.APNS_CA_FILE, key, settings.APNS_KEY_ID, settings.APNS_TEAM_ID, settings.APNS_TOPIC)
        if facts not in self.pools:
            tls = ssl.create_default_context(cafile=settings.APNS_CA_FILE or None)
            tls.set_alpn_protocols(["h2"])  # the library sets none
            self.pools[facts] = Pool(
                address,
                tls,
                key=key,
                key_id=settings.APNS_KEY_ID,
                team_id=settings.APNS_TEAM_ID,
                topic=settings.APNS_TOPIC,
                timeout_s=settings.APNS_TIMEOUT_S,
            )
        return self.pools[facts]


def _key() -> str:
    return str(settings.APNS_KEY).replace("\\n", "\n") or Path(settings.APNS_KEY_FILE).read_text()


def _request(push: Push) -> NotificationRequest:
    return NotificationRequest(
        device_token=push.token,
        message=push.payload,
        notification_id=push.apns_id,
        time_to_live=settings.PUSH_EXPIRY_S,
        priority=10 if push.urgent else 5,
        collapse_key=push.collapse_id,
        push_type=PushType.ALERT,
    )


def _result(answer: Answer) -> Result:
    if answer.status == 200:
        return Result(Outcome.TAKEN)
    if answer.status == 410 or answer.reason in _NO_DEVICE:
        return Result(Outcome.GONE, answer.reason, timestamp=answer.timestamp)
    if answer.status == 403:
        return Result(Outcome.KEY_REFUSED, answer.reason)
    if answer.status in (0, 429) or answer.status >= 500:
        return Result(Outcome.LATER, answer.reason, retry_after_s=answer.retry_after_s)
    log.error("the push service refuses a push: %d %s", answer.status, answer.reason)
    return Result(Outcome.REFUSED, answer.reason)
