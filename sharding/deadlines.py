"""Deadlines for answers of database servers, kept by the client.

A server can bound its own statements (statement_timeout), but not while it is frozen. So psycopg2's
wait callback waits no longer than the moment set here, then gives the connection up.
"""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from select import POLLIN, POLLOUT, poll

from django.conf import settings
from psycopg2 import OperationalError
from psycopg2.extensions import POLL_OK, POLL_READ, connection, set_wait_callback

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let no database answer inside the block come later than `seconds` from now; nested blocks: the earlier counts."""
    moment = time.monotonic() + seconds
    outer = _deadline.get()
    token = _deadline.set(moment if outer is None else min(moment, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left(default: float) -> float:
    """Return the seconds until the deadline in force, at most `default`; may be negative."""
    moment = _deadline.get()
    return default if moment is None else min(default, moment - time.monotonic())


class BoundedConnection(connection):
    """A psycopg2 connection whose answers come in time or not at all; others wait as long as they like."""


class AnswerTimeout(OperationalError):
    """The server sent nothing before the deadline; the connection is of no more use. waited_s: what it had."""

    waited_s = 0.0


def _wait(conn: connection) -> None:
    began, moment = time.monotonic(), None
    if isinstance(conn, BoundedConnection):
        moment = began + seconds_left(settings.DB_ANSWER_TIMEOUT_S)
    while (state := conn.poll()) != POLL_OK:
        ready = poll()
        ready.register(conn.fileno(), POLLIN if state == POLL_READ else POLLOUT)
        milliseconds = None if moment is None else max(0.0, moment - time.monotonic()) * 1000
        if not ready.poll(milliseconds):
            error = AnswerTimeout("the database server did not answer in time")
            error.waited_s = time.monotonic() - began
            raise error


# psycopg2 knows one callback per process; connections of other classes than ours wait without a limit in it.
set_wait_callback(_wait)
