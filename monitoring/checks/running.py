"""Running checks side by side, each against its own clock; what is wrong in words fit for a stranger's eyes."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import botocore.exceptions
import psycopg2
import redis
from django.conf import settings

#: What a check may take beyond HEALTH_TIMEOUT_S before it is given up from outside: its own clock is the better judge.
GRACE_S = 0.15
_TIMEOUTS = (
    TimeoutError,
    redis.TimeoutError,
    botocore.exceptions.ConnectTimeoutError,
    botocore.exceptions.ReadTimeoutError,
)
_REFUSALS = (ConnectionRefusedError, botocore.exceptions.EndpointConnectionError)


class Unwell(Exception):
    """A dependency answered, but not as it should; the sentence is fit for a stranger's eyes."""


@dataclass(frozen=True)
class Check:
    """One thing to ask: `run` returns facts worth showing, or raises."""

    name: str
    kind: str
    run: Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Result:
    """What one check found."""

    name: str
    kind: str
    ok: bool
    milliseconds: float
    #: In plain words; None when well.
    error: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def run_all(checks: list[Check]) -> list[Result]:
    """Run the checks side by side, in their order, in at most HEALTH_TIMEOUT_S and a little.

    A check that does not come back in time is reported as such and left to end by its own time-out.
    """
    if not checks:
        return []
    pool = ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix="health")
    try:
        pending: list[tuple[Check, Future[Result]]] = [(check, pool.submit(_run, check)) for check in checks]
        wait([future for _, future in pending], timeout=settings.HEALTH_TIMEOUT_S + GRACE_S)
        return [future.result() if future.done() else _late(check) for check, future in pending]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _run(check: Check) -> Result:
    started = time.monotonic()
    try:
        facts, error = check.run(), None
    except Exception as caught:  # a check that breaks is a dependency that is not known to be well
        facts, error = {}, in_plain_words(caught)
    return Result(check.name, check.kind, error is None, _milliseconds_since(started), error, facts)


def _late(check: Check) -> Result:
    return Result(check.name, check.kind, False, settings.HEALTH_TIMEOUT_S * 1000, _no_answer())


def _milliseconds_since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)


def _no_answer() -> str:
    return f"no answer in {settings.HEALTH_TIMEOUT_S:g} s"


def in_plain_words(error: BaseException) -> str:
    """Say what went wrong without addresses, names, passwords or traces: the page may be public."""
    text = str(error).lower()
    explanations = (
        (isinstance(error, Unwell), str(error)),
        (isinstance(error, _TIMEOUTS), _no_answer()),
        (isinstance(error, _REFUSALS) or "connection refused" in text, "connection refused"),
        (isinstance(error, redis.BusyLoadingError), "still loading its data"),
        ("authentication" in text or "password" in text, "refused our credentials"),
        (isinstance(error, psycopg2.OperationalError | redis.ConnectionError | OSError), "the connection was closed"),
        (isinstance(error, EOFError), "the connection was closed"),
        (isinstance(error, psycopg2.Error), "answered with an error"),
    )
    return next((words for applies, words in explanations if applies), f"failed ({type(error).__name__})")
