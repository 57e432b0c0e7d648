"""A shard server that is lost harms its own people only; Redis and memcached that are lost harm nobody."""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.conf import settings

from tests.faults import FEED, Person, body_of, photo_ids_in, sign_up
from tests.support.private import PrivateStack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

#: What the first page may take that meets the fault (in each process of the web), and every page after it.
FIRST_S, THEN_S = 3.0, 0.5
#: Seconds after which everything is back: recovery of PostgreSQL, the probes of breakers and of PgBouncer.
BACK_S = 30.0
#: Requests in a row, or side by side to meet every process of the web.
REPEATS = 10

lost = pytest.mark.parametrize("fault", ["dead", "frozen"])


@dataclass(frozen=True)
class Town:
    """`here` lives on shard_a, `far` on shard_b; the readers follow both of them, one reader on each server."""

    here: Person
    far: Person
    reader: Person
    far_reader: Person
    #: Nobody's friend.
    loner: Person
    #: (photo, who made it), newest first.
    photos: list[tuple[int, Person]]

    @property
    def all_ids(self) -> list[int]:
        """Return the readers' feed as it is when all is well."""
        return [photo for photo, _ in self.photos]

    @property
    def ids_here(self) -> list[int]:
        """Return what is left of it without shard_b."""
        return [photo for photo, author in self.photos if author is self.here]


@pytest.fixture(scope="module")
def built_town(private_stack: PrivateStack) -> Town:
    people = sign_up(private_stack, each=3)
    (here, reader, loner), (far, far_reader, _) = people["shard_a"], people["shard_b"]
    for follower in (reader, far_reader):
        for author in (here, far):
            follower.follow(author)
    # Pages of two: some hold nothing but far photos, the first and the last among them.
    order = [far, far, far, here, far, far, far, far, here, here, far, here, far]
    photos = [(author.upload(), author) for author in order][::-1]
    return Town(here, far, reader, far_reader, loner, photos)


@pytest.fixture
def town(built_town: Town) -> Town:
    """The town with nothing left of the fault before."""
    all_is_well(built_town)
    return built_town


def all_is_well(town: Town) -> None:
    """Wait until both readers see everything, whichever process of the web answers."""

    def is_whole(person: Person) -> bool:
        # Side by side: one after the other they would all meet the process that nginx has a connection to.
        with ThreadPoolExecutor(REPEATS) as clients:
            answers = list(clients.map(person.get, [FEED] * REPEATS))
        return all(each.status_code == 200 and photo_ids_in(each.json()) == town.all_ids for each in answers)

    for person in (town.reader, town.far_reader):
        wait_until(lambda who=person: is_whole(who), seconds=BACK_S, what="the whole feed")


def without(stack: PrivateStack, fault: str, name: str) -> AbstractContextManager[None]:
    """Kill a component and hold it, or freeze it."""
    return stack.dead(name) if fault == "dead" else stack.frozen(name)


def empty_caches(stack: PrivateStack) -> None:
    """Make memcached forget everything, so that pages must read the shards."""
    for name in ("memcached_1", "memcached_2"):
        with socket.create_connection(("127.0.0.1", stack.ports[name]), 5.0) as link:
            link.sendall(b"flush_all\r\n")
            assert link.recv(100) == b"OK\r\n"


def timed(ask: Callable[[], requests.Response]) -> tuple[requests.Response, float]:
    began = time.monotonic()
    return ask(), time.monotonic() - began


@lost
@pytest.mark.parametrize("cache", ["cold", "warm"])
def test_a_lost_shard_server_leaves_the_feeds_of_others_quick_and_whole(
    private_stack: PrivateStack, town: Town, fault: str, cache: str
) -> None:
    if cache == "cold":
        empty_caches(private_stack)
    with without(private_stack, fault, "postgres_shard_b"):
        answers = [timed(lambda: town.reader.get(FEED)) for _ in range(REPEATS)]
        pages = town.reader.whole_feed(count=2)

    for answer, _ in answers:
        seen = photo_ids_in(body_of(answer))
        assert [photo for photo in seen if photo in town.ids_here] == town.ids_here
        assert set(seen) <= set(town.all_ids)
    seconds = [round(each, 2) for _, each in answers]
    assert max(seconds) < FIRST_S, seconds
    # Each process of the web finds out by itself, once.
    assert sum(each > THEN_S for each in seconds) <= settings.GUNICORN_WORKERS, seconds
    assert [photo for photo in pages if photo in town.ids_here] == town.ids_here
    assert pages == sorted(set(pages), reverse=True)
    all_is_well(town)


@lost
def test_people_of_a_lost_shard_server_are_told_so_without_waiting(
    private_stack: PrivateStack, town: Town, fault: str
) -> None:
    with without(private_stack, fault, "postgres_shard_b"):
        answers = [timed(lambda: town.far_reader.get(FEED)) for _ in range(REPEATS)]
        answers += [timed(lambda: town.reader.get(f"/v1/users/{town.far.id}/media/recent"))]
        answers += [timed(lambda: town.far.try_to_upload(upload_id="a tap on Share"))]

    for answer, _ in answers:
        body_of(answer, status=503)
    seconds = [round(each, 2) for _, each in answers]
    # One's own server is waited for longer than other people's, once in each process of the web.
    assert max(seconds) < settings.DB_ANSWER_TIMEOUT_S + 1.0, seconds
    assert sum(each > THEN_S for each in seconds) <= settings.GUNICORN_WORKERS, seconds
    all_is_well(town)


@lost
def test_the_deep_health_page_names_a_lost_shard_server(private_stack: PrivateStack, town: Town, fault: str) -> None:
    def health(page: str) -> requests.Response:
        return requests.get(f"{private_stack.url}/health/{page}", timeout=10)

    with without(private_stack, fault, "postgres_shard_b"):
        deep, seconds = timed(lambda: health("deep"))
        ready = health("ready")

    assert deep.status_code == 503
    assert [each["name"] for each in deep.json()["checks"] if not each["ok"]] == ["shard_b", "jobs of shard_b"]
    assert deep.json()["people_affected"] == 0.5
    assert seconds < FIRST_S
    assert ready.status_code == 200
    wait_until(lambda: health("deep").status_code == 200, seconds=BACK_S, what="everything is well")
    all_is_well(town)


@pytest.mark.parametrize("names", ["redis_1 redis_2", "memcached_1", "memcached_1 memcached_2"])
def test_pages_are_the_same_without_the_photo_map_or_the_cache(
    private_stack: PrivateStack, town: Town, names: str
) -> None:
    def pages() -> dict[str, Any]:
        paths = [FEED, *(f"/v1/users/{person.id}/media/recent" for person in (town.here, town.far))]
        paths += [f"/v1/media/{photo}" for photo in town.all_ids]
        return {path: body_of(town.reader.get(path)) for path in paths}

    before = pages()
    empty_caches(private_stack)
    with ExitStack() as faults:
        for name in names.split():
            faults.enter_context(private_stack.dead(name))
        during = pages()
        added = town.loner.upload()
        assert body_of(town.reader.get(f"/v1/media/{added}"))

    assert during == before
    assert pages() == before
    assert body_of(town.reader.get(f"/v1/media/{added}"))
