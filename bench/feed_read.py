"""Reading the home feed: CPU of a page beside the same reads by hand, and beside an ordinary Django application."""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import psutil
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import RequestFactory, override_settings

from accounts.clients import first_party_client
from accounts.models import Follower, User
from accounts.tokens import issue
from bench.framework import Result, Row, interleaved, median_ratio
from bench.scratch import analyze, data_centre
from caching import cache
from demo import bulk, people, sources
from demo import photos as demo_photos
from demo.load import Plan, make_plan
from photos.models import Comment, Like
from photos.models import Photo as OurPhoto
from sharding import all_servers, counters, physical_servers, shards_on
from stack import processes

FOLLOWED = 150
PATH = "/v1/users/self/feed"
URLCONFS = {"ours": "instagram.urls", "floor": "bench.feeds.floor", "alternative": "bench.feeds.ordinary"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare sizes."""
    parser.add_argument("--users", type=int, default=600)
    parser.add_argument("--photos", type=int, default=1_500)
    parser.add_argument("--requests", type=int, default=60, help="requests of a contender in one round")
    parser.add_argument("--rounds", type=int, default=9)


def run(options: argparse.Namespace) -> Result:
    """Load the same people and photos into both, show that the answers are the same, measure."""
    # The floor cannot load what expires: entries live as long as the measurement.
    with data_centre(shards=64) as _, override_settings(ENGAGEMENT_TTL_S=3_600), _ordinary_tables():
        viewer, token, plan = _load(options)
        _copy(viewer, token)
        _warm(token)
        bodies = {name: _get(name, token) for name in URLCONFS}
        assert bodies["ours"] == bodies["floor"], _difference(bodies["ours"], bodies["floor"])
        assert bodies["ours"] == bodies["alternative"], _difference(bodies["ours"], bodies["alternative"])
        wall: dict[str, list[float]] = {name: [] for name in URLCONFS}
        cpu = interleaved(
            {name: lambda name=name: _round(name, token, options.requests, wall[name]) for name in URLCONFS},
            options.rounds,
        )
    median = {name: statistics.median(taken) for name, taken in cpu.items()}
    rate = {name: 1 / statistics.median(taken) for name, taken in wall.items()}
    faster = median_ratio(cpu, "alternative", "ours")
    return Result(
        rows=[
            Row(
                "CPU of a page of 20, ms",
                median["ours"] * 1e3,
                median["floor"] * 1e3,
                median["alternative"] * 1e3,
                median_ratio(cpu, "ours", "floor"),
            ),
            Row("pages a second, one process", rate["ours"], rate["floor"], rate["alternative"]),
        ],
        ratios={
            "x_floor": median_ratio(cpu, "ours", "floor"),
            "x_ordinary": 1 / faster,
            "x_faster_than_ordinary": faster,
        },
        # At least 6 times less CPU than the ordinary one.
        bars={"x_floor": 1.8, "x_ordinary": 1 / 6},
        how=[
            f"{len(plan.people):,} people, {len(plan.photos):,} photos; the viewer follows {FOLLOWED}.",
            f"Likes a photo: {plan.likes / len(plan.photos):.1f}; comments: {plan.comments / len(plan.photos):.1f}.",
            "Floor: a Django view that makes the same reads by hand (bench/feeds/floor.py).",
            "Alternative: one database, ORM with prefetch_related, ModelSerializers (bench/feeds/ordinary.py).",
            "First asserted: the three bodies are the same, byte for byte.",
            "All by WSGI in one process under the same middleware; caches are warm and no entry expires meanwhile.",
            "CPU: of this process, PostgreSQL, PgBouncer and memcached, over a round's requests.",
            f"{options.rounds} rounds of {options.requests} requests, interleaved; medians, ratios within a round.",
        ],
        figures={"cpu_s": cpu, "wall_s": wall},
    )


def _load(options: argparse.Namespace) -> tuple[int, str, Plan]:
    source = sources.find("auto")
    # What is drawn is cut at an author's followers: drawn larger, it comes to 8 likes a photo.
    with patch.object(demo_photos, "MEAN_LIKES", 12.5), patch.object(demo_photos, "MEAN_COMMENTS", 4):
        plan = make_plan(source, users=options.users, photos=options.photos, seed=2011, logins=people.LOGINS)
    # The viewer follows exactly as many as said, of those who post.
    wanted = list(dict.fromkeys(photo.author for photo in plan.photos if photo.author != 0))[:FOLLOWED]
    follows = [edge for edge in plan.follows if edge[0] != 0] + [(0, author) for author in wanted]
    plan = dataclasses.replace(plan, follows=follows)
    with patch.object(bulk, "PICTURES", 20):
        ids = bulk.load(plan, lambda *_: None, processes=1)
    for server in all_servers():
        counters.roll_up(server)
    viewer = User.objects.get(pk=ids[0])
    return viewer.pk, issue(viewer, first_party_client()), plan


def _copy(viewer: int, token: str) -> None:
    """Fill the ordinary application's tables with what ours hold."""
    from bench.feeds import ordinary as o  # noqa: PLC0415  # its models are of an application that is set up only now

    o.Person.objects.bulk_create(
        o.Person(**facts)
        for facts in User.objects.values(
            "id", "username", "full_name", "picture", "bio", "website", "is_private", "is_active"
        )
    )
    o.Token.objects.create(key=token, person_id=viewer)
    places: dict[int, str] = {}
    made: dict[Any, list[Any]] = {model: [] for model in (o.Photo, o.Follow, o.Like, o.Comment)}
    for shard in (shard for server in physical_servers() for shard in shards_on(server)):
        for photo in shard.model(OurPhoto).objects.filter(state=0):
            if photo.location_id:
                places[photo.location_id] = photo.location_name
            made[o.Photo].append(
                o.Photo(
                    id=photo.id,
                    author_id=photo.author_id,
                    image_stem=photo.image_stem,
                    caption=photo.caption,
                    caption_id=photo.caption_id,
                    filter=photo.filter,
                    latitude=photo.latitude,
                    longitude=photo.longitude,
                    place_id=photo.location_id,
                )
            )
        edges = shard.model(Follower).objects.filter(status="follows")
        made[o.Follow] += [o.Follow(follower_id=e.follower_id, followee_id=e.followee_id) for e in edges]
        likes = shard.model(Like).objects.all()
        made[o.Like] += [o.Like(id=x.id, photo_id=x.photo_id, person_id=x.user_id) for x in likes]
        comments = shard.model(Comment).objects.filter(state=0)
        made[o.Comment] += [
            o.Comment(id=x.id, photo_id=x.photo_id, author_id=x.author_id, text=x.text) for x in comments
        ]
    o.Place.objects.bulk_create(o.Place(id=number, name=name) for number, name in places.items())
    for model, rows in made.items():
        model.objects.bulk_create(rows, batch_size=2_000)
    analyze()


@contextmanager
def _ordinary_tables() -> Iterator[None]:
    from bench.feeds.ordinary import MODELS  # noqa: PLC0415  # as above

    # The scratch databases are dropped as a whole afterwards.
    with connection.schema_editor() as editor:
        for model in MODELS:
            editor.create_model(model)
    yield


def _warm(token: str) -> None:
    """Ask until nothing is stored in the cache any more: what was written a moment ago cannot be cached yet."""

    ends = time.monotonic() + cache.TOMBSTONE_S + 2
    while time.monotonic() < ends:
        for name in URLCONFS:
            if name != "floor":
                _get(name, token)
        time.sleep(0.2)


_handler: WSGIHandler | None = None


def _get(name: str, token: str) -> bytes:
    global _handler  # noqa: PLW0603  # made once settings are there
    if _handler is None:
        _handler = WSGIHandler()
    environ = RequestFactory(SERVER_NAME="127.0.0.1").get(PATH, {"access_token": token, "count": "20"}).environ
    statuses: list[str] = []

    def start(status: str, _headers: Any, _error: Any = None) -> Callable[[bytes], object]:
        statuses.append(status)
        return lambda _: None

    with override_settings(ROOT_URLCONF=URLCONFS[name]):
        response = _handler(environ, start)
        body = b"".join(response)
        response.close()
    assert statuses[0].startswith("200"), (name, statuses, body[:300])
    return body


def _round(name: str, token: str, requests: int, wall: list[float]) -> float:
    """Return CPU seconds of one request."""
    _get(name, token)
    servers = _server_cpu()
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(requests):
        _get(name, token)
    cpu = time.process_time() - cpu
    wall.append((time.perf_counter() - began) / requests)
    after = _server_cpu()
    # A backend that ended meanwhile took its count with it: only those there at both ends are compared.
    served = sum(after[pid] - servers.get(pid, 0.0) for pid in after)
    return (cpu + served) / requests


def _server_cpu() -> dict[int, float]:
    names = ["postgres_main", "postgres_shard_a", "postgres_shard_b", "pgbouncer", "memcached_1", "memcached_2"]
    found = {}
    for name in names:
        pid = processes.running(name)
        for process in processes.family(pid) if pid else []:
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            found[process.pid] = times.user + times.system
    return found


def _difference(one: bytes, other: bytes) -> str:
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"{one[max(0, at - 200) : at + 100]!r} is not {other[max(0, at - 200) : at + 100]!r}"
