"""Deletes that survive their process: an outbox row in the writer's transaction, tried right after the commit."""

from collections.abc import Iterable
from typing import Any

from jobs import NotNow, enqueue, outbox, task
from sharding import Server, Shard

from . import cache

#: Seconds before the relay repeats a delete whose process died or whose memcached was away.
RETRY_S = 1.0


class NotDeletedError(NotNow):
    """A memcached server did not confirm; the job is tried again until it does."""


def delete_after_commit(on: Shard | Server, kind: str, ids: Iterable[int] | Iterable[str]) -> None:
    """Delete entries once `on`'s transaction has committed, and again until memcached has confirmed it."""
    keys: list[Any] = list(ids)
    job = enqueue("caching.delete", on=on, delay_s=RETRY_S, kind=kind, ids=keys)

    def try_now() -> None:
        if cache.delete(kind, keys):
            outbox.finish(job.server, [(job.row_id, job.step)])

    on.on_commit(try_now)


@task("caching.delete", queue="fast", writes=False)
def delete(*, kind: str, ids: list[Any]) -> None:
    """Delete entries. Safe to repeat."""
    if not cache.delete(kind, ids):
        raise NotDeletedError(f"memcached did not confirm the delete of {kind} {ids}")
