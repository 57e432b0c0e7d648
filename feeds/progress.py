"""How far a fan-out is: a row for each batch, on the author's server, written with the batch."""

import os
import socket
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from psycopg2 import sql

from jobs import current_job
from sharding import Server, shard_of_object
from sharding.ids import first_id_at

#: The chain of a fan-out's first job, which serves everybody itself or cuts chains; the others have the number of
#: the first logical shard they serve.
FIRST = -1
#: The cursor of a job that served nobody.
NOBODY = (-1, -1)


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch that was served. last: (logical shard, follower id) of the last one; chains, total: the first job's."""

    chain: int
    last: tuple[int, int]
    followers: int
    asleep: int
    is_last: bool
    begun_at: datetime
    chains: int = 0
    total: int | None = None
    done_at: datetime | None = None
    worker: str = ""
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """A fan-out so far. total: followers when it began, None while nobody knows; finished_at: None while it runs."""

    photo_id: int
    batches: list[Batch] = field(repr=False)

    @property
    def total(self) -> int | None:
        """Return the author's followers when it began, or those it met, whichever is more."""
        known = [batch.total for batch in self.batches if batch.total is not None]
        return max(*known, self.done) if known else None

    @property
    def done(self) -> int:
        """Return how many followers were served, those who are asleep among them."""
        return sum(batch.followers for batch in self.batches)

    @property
    def asleep(self) -> int:
        """Return how many were left out because they are asleep."""
        return sum(batch.asleep for batch in self.batches)

    @property
    def chains(self) -> int:
        """Return how many chains there are, besides the first job."""
        return max((batch.chains for batch in self.batches), default=0)

    @property
    def begun_at(self) -> datetime:
        """Return when the first batch began."""
        return min(batch.begun_at for batch in self.batches)

    @property
    def finished_at(self) -> datetime | None:
        """Return when the last batch of the last chain was done."""
        ended = {batch.chain for batch in self.batches if batch.is_last}
        if FIRST not in ended or len(ended - {FIRST}) < self.chains:
            return None
        return max(batch.done_at for batch in self.batches if batch.done_at)

    @property
    def retries(self) -> int:
        """Return how often a batch was done again, failed or waited."""
        return sum(batch.retries for batch in self.batches)

    @property
    def workers(self) -> list[str]:
        """Return who took part."""
        return sorted({batch.worker for batch in self.batches})

    def batch_of(self, place: tuple[int, int]) -> tuple[int, Batch] | None:
        """Return which batch served the follower at (logical shard, id), and its number in its chain."""
        # A chain serves shards from its number on; where two could have served somebody, the nearer one did.
        for chain in sorted({batch.chain for batch in self.batches if batch.chain <= place[0]}, reverse=True):
            own = [batch for batch in self.batches if batch.chain == chain]
            for number, batch in enumerate(own, 1):
                if place <= batch.last:
                    return number, batch
        return None


def store(photo_id: int, batch: Batch) -> bool:
    """Store a batch that was served; return whether the photo is still there. A repeat counts as a retry.

    Cost: one statement on the author's shard, which nobody makes wait for the disk.
    """
    shard = shard_of_object(photo_id)
    job = current_job.get()
    retries = job.attempts + job.postponed if job else 0
    query = sql.SQL(
        "SET LOCAL synchronous_commit TO off;"
        " WITH stored AS (INSERT INTO local.fan_out_batch AS old (photo_id, chain, last_shard, last_follower,"
        " logical_shard, followers, asleep, chains, total, is_last, begun_at, worker, retries)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (photo_id, chain, last_shard, last_follower) DO UPDATE SET done_at = excluded.done_at,"
        " worker = excluded.worker, retries = old.retries + excluded.retries + 1, is_last = excluded.is_last)"
        " SELECT EXISTS (SELECT FROM {} WHERE id = %s AND state = 0)"
    ).format(shard.table("photos_photo"))
    with shard.cursor() as cursor:
        cursor.execute(
            query,
            [
                *(photo_id, batch.chain, *batch.last, shard.number, batch.followers, batch.asleep, batch.chains),
                *(batch.total, batch.is_last, batch.begun_at, worker_name(), retries, photo_id),
            ],
        )
        return bool(cursor.fetchone()[0])


def progress_of(photo_id: int) -> Progress | None:
    """Return how far a photo's fan-out is; None: not begun, or longer ago than FAN_OUT_KEPT_DAYS.

    Cost: one query on the author's server. Raises ShardUnavailable, ValueError for an id that none here made.
    """
    with shard_of_object(photo_id).cursor() as cursor:
        cursor.execute(
            "SELECT chain, last_shard, last_follower, followers, asleep, is_last, begun_at, chains, total, done_at,"
            " worker, retries FROM local.fan_out_batch WHERE photo_id = %s ORDER BY chain, last_shard, last_follower",
            [photo_id],
        )
        batches = [Batch(chain, (shard, last), *rest) for chain, shard, last, *rest in cursor.fetchall()]
    return Progress(photo_id, batches) if batches else None


def forget(photo_id: int) -> None:
    """Delete what is known of a deleted photo's fan-out. Safe to repeat. Cost: one statement on the author's server."""
    with shard_of_object(photo_id).cursor() as cursor:
        cursor.execute("DELETE FROM local.fan_out_batch WHERE photo_id = %s", [photo_id])


def forget_old(server: Server) -> None:
    """Delete what is older than FAN_OUT_KEPT_DAYS on one server. Safe to repeat."""
    since = first_id_at(timezone.now() - timedelta(days=settings.FAN_OUT_KEPT_DAYS))
    with server.cursor() as cursor:
        cursor.execute(
            "DELETE FROM local.fan_out_batch WHERE photo_id IN (SELECT DISTINCT photo_id FROM local.fan_out_batch"
            " WHERE photo_id < %s ORDER BY photo_id LIMIT 1000)",
            [since],
        )


def worker_name() -> str:
    """Return this process's name, as gearmand's list of workers shows it."""
    return f"{socket.gethostname()}:{os.getpid()}"
