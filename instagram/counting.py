"""Counting across processes: what happened, how often and how long it took; the sums are kept in Redis.

    count("photos")
    count("shares", service="twitter", result="sent")
    observe("fan_out_seconds", 0.21)

A call adds to a dictionary of its process, and a thread carries the sums to one hash in Redis about each second and at
exit, so nobody who counts ever waits for Redis. While Redis is away the sums stay here; what was under way to it when
it went may be lost, and so may the last second of a killed process. Every name is described in monitoring/figures.
"""

import atexit
import logging
import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from instagram import topology

log = logging.getLogger(__name__)

#: Seconds between two flushes of a process that counts.
FLUSH_S = 1.0
#: Seconds Redis may take; only the flushing thread, or a process that ends, waits so long.
TIMEOUT_S = 0.5
#: Different sums a process keeps at most; beyond, they are dropped. All names and labels of ours are some 500.
MOST_SUMS = 5_000
#: Upper bounds of the classes of durations, seconds; what is longer is in the last, endless one.
BUCKETS_S = (0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0)
#: The field of the hash is [name, labels, part]; part: of a count "", of durations "us" (the sum) or a class.
_SUM = "us"

#: Names and values in the order of the call's keywords: one name's calls spell them alike.
Labels = tuple[tuple[str, str], ...]
_Key = tuple[str, Labels, str | int]


@dataclass
class Durations:
    """What was observed under one name: how many in each class, and their sum in seconds."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    seconds: float = 0.0


@dataclass
class Counted:
    """Everything counted so far, by all processes, by name and labels."""

    counts: dict[tuple[str, Labels], int] = field(default_factory=dict)
    durations: dict[tuple[str, Labels], Durations] = field(default_factory=dict)


_lock = threading.Lock()
_sums: dict[_Key, int] = {}
_something = threading.Event()
_thread: threading.Thread | None = None
_flushing = threading.Lock()


def count(name: str, amount: int = 1, **labels: str) -> None:
    """Add to a count. Labels have few values, never ids. Cost: about a microsecond. Never raises."""
    if not amount:
        return
    _add((name, tuple(labels.items()), ""), amount)


def observe(name: str, seconds: float, **labels: str) -> None:
    """Note how long something took. Cost: about two microseconds. Never raises."""
    labels_of = tuple(labels.items())
    _add((name, labels_of, bisect_left(BUCKETS_S, seconds)), 1)
    _add((name, labels_of, _SUM), max(0, round(seconds * 1e6)))


@contextmanager
def timed(name: str, **labels: str) -> Iterator[None]:
    """Observe how long the block takes, however it ends."""
    began = time.monotonic()
    try:
        yield
    finally:
        observe(name, time.monotonic() - began, **labels)


def _add(key: _Key, amount: int) -> None:
    with _lock:
        if key in _sums:
            _sums[key] += amount
        elif len(_sums) < MOST_SUMS:
            _sums[key] = amount
    if not _something.is_set():
        _something.set()
        if _thread is None:
            _start()


def flush() -> bool:
    """Carry to Redis what this process counted; False if Redis is away, and then it is kept."""
    global _sums  # exchanged for an empty one
    with _flushing:
        with _lock:
            sums, _sums = _sums, {}
        if not sums:
            return True
        client = _client()
        try:
            # By itself: what fails here was not sent, so it can be sent again.
            client.ping()
        except (redis.RedisError, OSError):
            _keep(sums)
            return False
        try:
            with client.pipeline(transaction=True) as pipeline:
                for key, amount in sums.items():
                    pipeline.hincrby(_hash(), orjson.dumps(key), amount)
                pipeline.execute()
        except (redis.RedisError, OSError) as error:
            log.warning("counts of about a second are lost: %s", error)
            return False
        return True


def read() -> Counted:
    """Return all sums. Cost: one round trip. Raises redis.RedisError, OSError."""
    counted = Counted()
    fields: dict[bytes, bytes] = _client().hgetall(_hash())  # type: ignore[assignment]  # not the asynchronous one
    for text, value in fields.items():
        name, pairs, part = orjson.loads(text)
        key = (name, tuple((label, text) for label, text in pairs))
        if part == "":
            counted.counts[key] = int(value)
            continue
        durations = counted.durations.setdefault(key, Durations())
        if part == _SUM:
            durations.seconds = int(value) / 1e6
        elif part < len(durations.buckets):
            durations.buckets[part] = int(value)
    return counted


def forget() -> None:
    """Delete all sums under the prefix, and those of this process. For tests and benchmarks."""
    with _lock:
        _sums.clear()
    _client().delete(_hash())


def _keep(sums: dict[_Key, int]) -> None:
    with _lock:
        for key, amount in sums.items():
            if key in _sums or len(_sums) < MOST_SUMS:
                _sums[key] = _sums.get(key, 0) + amount


def _hash() -> str:
    return f"{settings.METRICS_PREFIX}counted"


_clients: dict[str, Any] = {}


def _client() -> "redis.Redis":
    address = topology.primary_address(settings.METRICS_REDIS)
    if address not in _clients:
        host, _, port = address.rpartition(":")
        _clients[address] = redis.Redis(
            host=host,
            port=int(port),
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
    return _clients[address]


def _start() -> None:
    global _thread  # noqa: PLW0603  # one for the process
    with _lock:
        if _thread is None:
            _thread = threading.Thread(target=_flush_forever, name="counting", daemon=True)
            try:
                _thread.start()
            except RuntimeError:  # no thread can be had now, or the interpreter ends: atexit does what is left
                _thread = None


def _flush_forever() -> None:
    well = True
    while True:
        _something.wait()
        time.sleep(FLUSH_S)
        _something.clear()
        try:
            done = flush()
        except Exception:  # the thread must live
            log.exception("counting")
            done = False
        if done != well:
            log.warning("Redis of the counts %s is %s", settings.METRICS_REDIS, "back" if done else "away")
        well = done
        if not done:
            _something.set()


def _after_fork() -> None:
    global _lock, _flushing, _something, _thread, _sums
    # The parent flushes what it counted; its sockets and locks are not ours.
    _lock, _flushing, _something = threading.Lock(), threading.Lock(), threading.Event()
    _sums, _thread = {}, None
    _clients.clear()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(flush)
