"""The full data centre (`bin/up --full`): copies follow, every part is used, a killed nginx costs no request."""

import time
from collections.abc import Iterator

import psycopg2
import pytest
import requests
from django.conf import settings

from stack import probes
from tests.faults import Person, ask, sign_up
from tests.support.private import ROOT, PrivateStack, running_private_stack
from tests.support.traffic import Traffic
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def full() -> Iterator[PrivateStack]:
    """A full data centre, started once for this file; what a test breaks, it mends."""
    with running_private_stack("--full") as stack:
        yield stack


def at(stack: PrivateStack, component: str, sql: str) -> list[tuple]:
    """Run a statement on a server itself, primary or replica."""
    database = component.removeprefix("postgres_").removesuffix("_replica")
    port = stack.ports[component]
    return probes.query(port, sql, database, user="postgres", password=settings.DB_SUPERUSER_PASSWORD)


@pytest.mark.parametrize("server", ["main", "shard_a", "shard_b"])
def test_what_is_written_to_a_server_is_read_from_its_replica_which_takes_no_writes(
    full: PrivateStack, server: str
) -> None:
    mark = f"mark_{time.time_ns()}"
    at(full, f"postgres_{server}", f"CREATE TABLE {mark} (n int)")

    wait_until(
        lambda: at(full, f"postgres_{server}_replica", f"SELECT to_regclass('{mark}')") == [(mark,)],
        what="the replica has the table",
    )
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        at(full, f"postgres_{server}_replica", f"DROP TABLE {mark}")
    at(full, f"postgres_{server}", f"DROP TABLE {mark}")


def test_status_shows_every_part_and_a_plain_up_says_which_data_centre_runs(full: PrivateStack) -> None:
    shown = full.run([str(ROOT / "bin" / "up"), "--status"], check=False)
    full.up_arguments = []

    again = full.up()

    assert shown.returncode == 0, shown.stdout
    for name in ("postgres_main_replica", "redis_1_replica", "gearmand_2", "gunicorn_2", "nginx_app_3", "haproxy"):
        assert f"\n{name} " in shown.stdout
    assert "the full data centre (bin/up --lean goes back)" in again.stdout


@pytest.fixture(scope="module")
def people(full: PrivateStack) -> list[Person]:
    """Four people who live on either shard server."""
    return [person for some in sign_up(full, each=2).values() for person in some]


def states(full: PrivateStack) -> dict[str, str]:
    """Return what HAProxy holds of each app front: UP, DOWN, …"""
    told = requests.get(f"http://127.0.0.1:{full.components['haproxy']['ports'][1]}/;csv", timeout=5).text
    rows = [line.split(",") for line in told.splitlines()]
    return {row[1]: row[17].split()[0] for row in rows if row[0] == "app_fronts" and row[1] != "BACKEND"}


@pytest.mark.parametrize("name", ["nginx_app_1", "nginx_app_2", "nginx_app_3", "gunicorn_2"])
def test_one_that_is_killed_under_load_costs_no_reader_anything_and_a_poster_one_repeat_at_most(
    full: PrivateStack, people: list[Person], name: str
) -> None:
    ann, ben, cat, dan = people
    photo, before = ann.upload(), {person.id: photos_of(person) for person in (cat, dan)}
    with Traffic([ann, ben], [cat, dan], photo_id=photo) as traffic:
        wait_until(lambda: len(traffic.asked) > 30, what="people at work")
        killed = time.monotonic()
        with full.dead(name):
            dead = time.monotonic()
            if name.startswith("nginx"):
                wait_until(lambda: states(full)[name] == "DOWN", what="it is left out", seconds=5)
            working = len(traffic.asked)
            wait_until(lambda: len(traffic.asked) > working + 30, what="people at work without it", seconds=20)
        wait_until(lambda: set(states(full).values()) == {"UP"}, what="it is taken in again", seconds=5)
        working = len(traffic.asked)
        wait_until(lambda: len(traffic.asked) > working + 30, what="people at work with it", seconds=20)

    published = sum(map(len, traffic.published.values()))
    print(f"\n{name}: {traffic.counted()}, {published} photos, dead after {dead - killed:.2f} s")
    assert traffic.failed("GET") == []
    # A POST on its way through what was killed may or may not have been done: nobody but its sender may send it again.
    for each in traffic.failed("POST"):
        assert each.answer == "502"
        assert each.began < dead
        assert each.ended > killed
    assert not [each for each in traffic.failed("POST") if each.again]
    for person in (cat, dan):
        assert photos_of(person) == sorted(traffic.published[person.id] + before[person.id])


def photos_of(person: Person) -> list[int]:
    """Return the ids of everything a person posted, from the shard itself."""
    schema = f"s{person.id % settings.LOGICAL_SHARDS:04d}"
    for server in settings.SHARD_SERVERS:
        if ask(person.stack, server, "SELECT 1 FROM pg_namespace WHERE nspname = %s", schema):
            found = f"SELECT id FROM {schema}.photos_photo WHERE author_id = %s ORDER BY id"  # our name
            return [number for (number,) in ask(person.stack, server, found, person.id)]
    raise AssertionError(f"{schema} is nowhere")
