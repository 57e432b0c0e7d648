"""Dead letters: jobs that failed too often rest here until a person looks. outbox.bury() makes them."""

from collections.abc import Iterable
from typing import Any

from sharding import Server

from .rows import change, dictionaries


def latest(server: Server, *, task: str | None = None, most: int = 1000) -> list[dict[str, Any]]:
    """Return a server's dead letters, latest first."""
    return dictionaries(
        server,
        "SELECT id, logical_shard, task, args::text, attempts, created_at, died_at, last_error, request_id"
        " FROM local.dead_letter WHERE task = %s OR %s ORDER BY died_at DESC LIMIT %s",
        [task, task is None, most],
    )


def one(server: Server, row_id: int) -> dict[str, Any] | None:
    """Return one dead letter, None if it is not there (any more). Cost: one read by key."""
    rows = dictionaries(
        server,
        "SELECT id, logical_shard, task, args::text, attempts, created_at, died_at, last_error, request_id"
        " FROM local.dead_letter WHERE id = %s",
        [row_id],
    )
    return rows[0] if rows else None


def with_argument(server: Server, *, tasks: Iterable[str], argument: str, value: int | str) -> list[dict[str, Any]]:
    """Return a server's dead letters of some tasks that have an argument of that value."""
    return dictionaries(
        server,
        "SELECT id, task, args::text, attempts, died_at, last_error FROM local.dead_letter"
        " WHERE task = ANY(%s) AND args->>%s = %s ORDER BY died_at DESC",
        [list(tasks), argument, str(value)],
    )


def by_task(server: Server) -> list[dict[str, Any]]:
    """Return per task how many dead letters a server has, and when the last one died. Cost: reads them all."""
    return dictionaries(
        server,
        "SELECT task, count(*) AS dead, max(died_at) AS last_at FROM local.dead_letter GROUP BY task ORDER BY task",
        [],
    )


def requeue(server: Server, row_ids: Iterable[int]) -> int:
    """Put dead letters back into the outbox, due now, with all attempts before them; return how many."""
    return change(
        server,
        "WITH back AS (DELETE FROM local.dead_letter WHERE id = ANY(%s) RETURNING *)"
        " INSERT INTO local.outbox (logical_shard, task, args, run_after, request_id)"
        " SELECT logical_shard, task, args, clock_timestamp(), request_id FROM back",
        [list(row_ids)],
        may_be_lost=False,
    )


def discard(server: Server, row_ids: Iterable[int]) -> int:
    """Delete dead letters; return how many."""
    return change(server, "DELETE FROM local.dead_letter WHERE id = ANY(%s)", [list(row_ids)], may_be_lost=False)
