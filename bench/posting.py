"""Posting and waiting until it has arrived: for benchmarks of deliveries."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from django.conf import settings
from psycopg2 import sql

from jobs import enqueue
from photos.models import Photo
from sharding import Shard, by_server, shard_of

#: Seconds for one delivery, at most; and between looks whether it is complete.
PATIENCE_S, LOOK_S = 60.0, 0.0005


def post(author_id: int) -> tuple[int, float]:
    """Publish a photo as photos.services.publish does; return its id and the moment (perf_counter) of its commit."""
    shard = shard_of(author_id)
    committed: list[float] = []
    with shard.atomic():
        photo = shard.model(Photo).objects.create(author_id=author_id, image_stem="0" * 32)
        shard.on_commit(lambda: committed.append(time.perf_counter()))
        enqueue("feeds.fan_out", on=shard, photo_id=photo.id, author_id=author_id)
    return photo.id, committed[0]


def deliver(author_id: int, followers: range) -> tuple[int, float]:
    """Publish a photo; return its id and the seconds from its commit until all followers have it."""
    photo_id, committed = post(author_id)
    for last in last_served(followers):
        wait_for(shard_of(last), last, photo_id)
    return photo_id, time.perf_counter() - committed


def last_served(followers: range) -> list[int]:
    """Return the follower of each server who is served last: batches go by logical shard and id."""
    return [max(ids, key=lambda i: (i % settings.LOGICAL_SHARDS, i)) for ids in by_server(followers).values()]


def load_followers(author_id: int, followers: range) -> None:
    """Let people of nothing but an id follow the author."""
    shard = shard_of(author_id)
    with shard.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO {} (followee_id, follower_id, status, version)"
                " SELECT %s, follower, 'follows', follower FROM generate_series(%s, %s) AS follower"
            ).format(shard.table("accounts_follower")),
            [author_id, followers[0], followers[-1]],
        )


def wait_for(shard: Shard, user_id: int, photo_id: int) -> None:
    """Wait until a photo is in an inbox. Raises TimeoutError."""
    query = sql.SQL("SELECT 1 FROM {} WHERE user_id = %s AND photo_id = %s").format(shard.table("feeds_inbox"))
    until = time.perf_counter() + PATIENCE_S
    with shard.cursor() as cursor:
        while True:
            cursor.execute(query, [user_id, photo_id])
            if cursor.fetchone():
                return
            if time.perf_counter() > until:
                raise TimeoutError(f"photo {photo_id} did not reach {user_id} within {PATIENCE_S:.0f} s")
            time.sleep(LOOK_S)


@contextmanager
def worker(environment: dict[str, str], *queues: str) -> Iterator[None]:
    """Run one worker process of some queues, under the environment of bench.scratch.data_centre()."""
    command = [sys.executable, "manage.py", "worker", *(word for queue in queues for word in ("--queue", queue))]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command, cwd=Path(__file__).parents[1], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield
        except TimeoutError as error:
            raise TimeoutError(f"{error}; the worker said:\n{_end_of(log)}") from error
        finally:
            process.terminate()
            process.wait(timeout=10)


def _end_of(log: TextIO) -> str:
    log.seek(0)
    return log.read()[-3000:]
