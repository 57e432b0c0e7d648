"""Loads a plan through the services that real users' requests call, in several processes.

Everything may be repeated: a load that was interrupted is taken up by running it again. Accounts are known by
their mail address, photos by their upload key, likes and follows by themselves; a photo that has comments gets no more.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import django
from django.conf import settings

from sharding import all_servers

from . import errands
from .people import Person, invent_follows, invent_people
from .photos import PlannedPhoto, plan_photos
from .sources import Source

T = TypeVar("T")
#: Called with (stage, things done, things in all) as a load goes on.
Report = Callable[[str, int, int], None]

#: Things in one errand of a process: few enough for a smooth bar and photos of many authors side by side.
ERRAND = 8
#: Seconds without one job done after which somebody should look at the workers.
STUCK_S = 60.0


class JobsAreStuck(Exception):
    """The outboxes do not empty: no worker or no relay is running."""


@dataclass(frozen=True)
class Plan:
    """What a demo will hold, all of it decided."""

    people: list[Person]
    follows: list[tuple[int, int]]
    photos: list[PlannedPhoto]
    #: Begins the upload keys.
    key: str

    @property
    def likes(self) -> int:
        """Return how many there will be."""
        return sum(len(photo.likers) for photo in self.photos)

    @property
    def comments(self) -> int:
        """Return how many there will be."""
        return sum(len(photo.comments) for photo in self.photos)


def make_plan(source: Source, *, users: int, photos: int, seed: int, logins: tuple[Person, ...]) -> Plan:
    """Return the same plan for the same arguments."""
    rng = random.Random(seed)
    people = invent_people(source, users, rng, logins)
    follows = invent_follows(source, users, rng)
    return Plan(people, follows, plan_photos(source, users, follows, photos, rng), f"demo-{seed}")


def load(plan: Plan, report: Report, *, processes: int) -> list[int]:
    """Load everything; return the people's ids in their order. Raises what a service raises, errands.NameTaken."""
    # Spawned, not forked: neither libvips nor a connection survives a fork.
    with (
        tempfile.TemporaryDirectory(prefix="demo-") as folder,
        ProcessPoolExecutor(processes, get_context("spawn"), initializer=django.setup) as pool,
    ):

        def in_errands(stage: str, errand: Callable[[list[Any]], list[T]], things: Sequence[Any]) -> list[T]:
            report(stage, 0, len(things))
            results: list[T] = []
            for part in pool.map(errand, _cut(things)):
                results += part
                report(stage, len(results), len(things))
            return results

        ids = in_errands("people", errands.sign_up, plan.people)
        in_errands("follows", errands.follow, [(ids[follower], ids[followee]) for follower, followee in plan.follows])
        pictures = sorted({photo.picture for photo in plan.photos})
        paths = dict(
            zip(pictures, in_errands("pictures", errands.prepare, [(it, Path(folder)) for it in pictures]), strict=True)
        )
        uploads = [
            (ids[photo.author], f"{plan.key}-{number}", paths[photo.picture], photo)
            for number, photo in enumerate(plan.photos)
        ]
        photo_ids = in_errands("photos", errands.publish, uploads)
        posted = list(zip(photo_ids, plan.photos, strict=True))
        likes = [(ids[liker], photo_id) for photo_id, photo in posted for liker in photo.likers]
        in_errands("likes", errands.like, likes)
        talks = [(photo_id, [(ids[who], text) for who, text in photo.comments]) for photo_id, photo in posted]
        in_errands("comments", errands.comment, [talk for talk in talks if talk[1]])
    return ids


def wait_for_jobs(report: Report) -> None:
    """Wait until every outbox is empty of what is due soon. Raises JobsAreStuck."""
    most = least = jobs_left()
    moved = time.monotonic()
    while left := jobs_left():
        most = max(most, left)
        if left < least:
            least, moved = left, time.monotonic()
        if time.monotonic() - moved > STUCK_S:
            raise JobsAreStuck(f"{left} jobs are left and none was done for {STUCK_S:.0f} s")
        report("jobs", most - left, most)
        time.sleep(0.2)
    report("jobs", most, most)


def jobs_left() -> int:
    """Return how many jobs are waiting or running. Cost: one query per server."""
    left = 0
    for server in all_servers():
        with server.cursor() as cursor:
            # Not those put off on purpose, by more than a lease: the proof of a deletion comes a minute later.
            cursor.execute(
                "SELECT count(*) FROM local.outbox WHERE run_after < now() + interval '2 minutes' AND NOT ("
                " submits = 0 AND attempts = 0 AND run_after > greatest(now(), created_at + %s * interval '1 second'))",
                [2 * settings.JOBS_LEASE_S],
            )
            left += cursor.fetchone()[0]
    return left


def _cut(things: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(things), ERRAND):
        yield list(things[start : start + ERRAND])
