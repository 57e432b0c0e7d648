"""On whose behalf something happens, and where its time goes: one Trace per request, job and command.

In the cellar beside errors.py: every room may note here what it spent, none of them is imported. The doors that read
traces (monitoring) register themselves in `begun` and `ended`. Outside of a trace a note is one look-up and an `if`.
"""

import os
import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from threading import get_ident
from types import TracebackType
from typing import Any

#: Set by the door; travels with the jobs that the request enqueues, and with those that they enqueue.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class Trace:
    """One request, job or command.

    kind: "request", "job" or "periodic". name: "GET /v1/users/<user_id>" once it is known, or the task's name.
    costs: (what, where) -> [times, seconds], e.g. ("sql", "shard_a"); seconds of one `what` never overlap.
    facts: what else a log line may say of it. schemas: None unless somebody asked which logical shards are touched.
    """

    __slots__ = (
        "_user_id",
        "costs",
        "facts",
        "first_party",
        "kind",
        "name",
        "request_id",
        "samples",
        "schemas",
        "sent",
        "started",
        "thread",
        "who",
    )

    def __init__(self, kind: str, name: str, facts: dict[str, Any]) -> None:
        self.kind, self.name, self.facts = kind, name, facts
        self.request_id = request_id.get()
        self.thread = get_ident()
        self.costs: dict[tuple[str, str], list[float]] = {}
        self._user_id: int | None = None
        #: Says who is served, where only the request knows that; must cost nothing.
        self.who: Callable[[], int | None] | None = None
        #: The person came through an application of our own.
        self.first_party = False
        self.schemas: set[str] | None = None
        #: Stacks that a watchdog took: (seconds after the start, frames).
        self.samples: list[tuple[float, list[str]]] = []
        #: Gives what the caller sent, for whoever must keep it out of a report.
        self.sent: Callable[[], list[str]] | None = None
        self.started = time.perf_counter()

    @property
    def user_id(self) -> int | None:
        """Return who is served, None as long as nobody has looked that up."""
        if self._user_id is None and self.who is not None:
            self._user_id = self.who()
        return self._user_id

    @user_id.setter
    def user_id(self, user_id: int) -> None:
        self._user_id = user_id

    @property
    def seconds(self) -> float:
        """Return how long it runs by now."""
        return time.perf_counter() - self.started

    def add(self, what: str, where: str = "", seconds: float = 0.0, times: int = 1) -> None:
        """Note something done, and the seconds it took."""
        cost = self.costs.get((what, where))
        if cost is None:
            self.costs[what, where] = [times, seconds]
        else:
            cost[0] += times
            cost[1] += seconds


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)
#: Traces that run in this process now, by id(); a watchdog looks at them.
running: dict[int, Trace] = {}
#: Called with each trace when it begins and when it has ended. Must not raise, and must be quick.
begun: list[Callable[[Trace], object]] = []
ended: list[Callable[[Trace], object]] = []

#: Return the trace of this thread, None outside of one.
current = _current.get


def add(what: str, where: str = "", seconds: float = 0.0, times: int = 1) -> None:
    """Note something done for the current trace, if there is one."""
    trace = _current.get()
    if trace is not None:
        trace.add(what, where, seconds, times)


def person(user_id: int, *, first_party: bool) -> None:
    """Note who is served. first_party: through an application of our own."""
    trace = _current.get()
    if trace is not None:
        trace.user_id, trace.first_party = user_id, first_party


class timed:  # reads as a verb: with timed("redis"):
    """Note how long a with block took, if there is a trace."""

    __slots__ = ("_since", "_times", "_what", "_where")

    def __init__(self, what: str, where: str = "", times: int = 1) -> None:
        self._what, self._where, self._times = what, where, times

    def __enter__(self) -> None:
        self._since = time.perf_counter()

    def __exit__(self, *_exc: object) -> None:
        add(self._what, self._where, time.perf_counter() - self._since, self._times)


class follow:  # reads as a verb: with follow("job", name) as trace:
    """Begin a trace for a with block."""

    __slots__ = ("_token", "_trace")

    def __init__(self, kind: str, name: str, **facts: Any) -> None:
        self._trace = Trace(kind, name, facts)

    def __enter__(self) -> Trace:
        trace = self._trace
        self._token: Token[Trace | None] = _current.set(trace)
        running[id(trace)] = trace
        for tell in begun:
            tell(trace)
        return trace

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        running.pop(id(self._trace), None)
        for tell in ended:
            tell(self._trace)
        _current.reset(self._token)


# A child runs none of its parent's requests.
os.register_at_fork(after_in_child=running.clear)
