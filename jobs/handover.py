"""Right after a commit: the jobs of the transaction go to gearmand, all in one submit."""

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import connections

from sharding import Server

from . import gearman

if TYPE_CHECKING:
    from .outbox import Job

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Call:
    """What one enqueue stored. certain: stored outside any savepoint, so it commits if the transaction does."""

    jobs: list["Job"]
    certain: bool


@dataclass
class _Transaction:
    stored: list[_Call] = field(default_factory=list)  # in order; may hold calls of transactions rolled back before
    committed: list["Job"] = field(default_factory=list)


_open = threading.local()


def submit_after_commit(server: Server, jobs: list["Job"]) -> None:
    """Submit the jobs after the server's transaction has committed; now, if none is open. Never raises then."""
    transactions: dict[str, _Transaction] = _open.__dict__
    transaction = transactions.setdefault(server.alias, _Transaction())
    call = _Call(jobs, certain=not any(connections[server.alias].savepoint_ids))
    transaction.stored.append(call)
    server.on_commit(lambda: _committed(transaction, call))


def _committed(transaction: _Transaction, call: _Call) -> None:
    """Collect; submit with the last call that is sure to come.

    Django calls back once per enqueue and not at all for those in a savepoint that was rolled back, so nobody knows
    which call is the last: after those in savepoints, whatever was collected so far is submitted.
    """
    place = transaction.stored.index(call)
    del transaction.stored[: place + 1]
    transaction.committed += call.jobs
    if not any(later.certain for later in transaction.stored):
        jobs, transaction.committed = transaction.committed, []
        try:
            gearman.submit_soon(jobs)
        except Exception:  # the write is done and the relay will submit: nothing here may fail the request
            log.exception("%d jobs wait for the relay", len(jobs))
