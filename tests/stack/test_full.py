"""The full data centre (`bin/up --full`): copies follow, every part is used, a killed nginx costs no request."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import requests
from django.conf import settings

from stack import probes, replicas
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


@pytest.mark.skipif(os.geteuid() != 0, reason="a container begins as root and hands on to the account of PostgreSQL")
def test_the_script_of_a_container_makes_a_replica_once_and_starts_it_again(full: PrivateStack) -> None:
    place = Path(tempfile.mkdtemp(prefix="instagram-replica-"))
    place.chmod(0o755)
    (place / "bin").mkdir()
    # What the image postgres:15 has and Debian has not.
    gosu = '#!/bin/bash\nwho=$1; shift; exec setpriv --reuid="$who" --regid="$who" --clear-groups -- "$@"\n'
    for name, text in {"gosu": gosu, "docker-entrypoint.sh": '#!/bin/bash\nexec gosu postgres "$@"\n'}.items():
        (place / "bin" / name).write_text(text)
        (place / "bin" / name).chmod(0o755)
    etc = full.state_dir / "etc"
    shutil.copy(etc / "replication.pgpass", place)
    (place / "replica.sh").write_text((etc / "replica.sh").read_text().replace(str(etc), str(place)))
    (place / "postgresql.conf").write_text((etc / "postgresql.conf").read_text())
    shutil.copy(etc / "pg_hba.conf", place)
    for name in ("postgresql.conf", "pg_hba.conf"):
        (place / name).chmod(0o644)
    data, binaries = place / "data", replicas.POSTGRES_BIN
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    server = ["postgres", "-D", str(data), "-c", f"config_file={place}/postgresql.conf", "-c", f"port={port}"]
    server += ["-c", f"hba_file={place}/pg_hba.conf"]
    command = ["bash", str(place / "replica.sh"), str(full.ports["postgres_main"]), "of_a_container", *server]
    env = os.environ | {"PGDATA": str(data), "PATH": f"{place / 'bin'}:{binaries}:{os.environ['PATH']}"}

    def asked(sql: str) -> list[tuple]:
        return probes.query(port, sql, "main", user="postgres", password=settings.DB_SUPERUSER_PASSWORD)

    made: list[float] = []
    try:
        for _ in range(2):
            mark = f"mark_{time.time_ns()}"
            process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                wait_until(lambda: answers(lambda: asked("SELECT 1")), what="the replica answers", seconds=60)
                at(full, "postgres_main", f"CREATE TABLE {mark} (n int)")
                found = f"SELECT to_regclass('{mark}')"
                wait_until(lambda: asked(found) == [(mark,)], what="it follows")  # noqa: B023  # waited for here
                at(full, "postgres_main", f"DROP TABLE {mark}")
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(20)
            made.append((data / "backup_label.old").stat().st_mtime)
        assert made[0] == made[1]  # copied once
    finally:
        at(full, "postgres_main", "SELECT pg_drop_replication_slot('of_a_container')")
        shutil.rmtree(place)


def answers(ask: Callable[[], object]) -> bool:
    """Return whether a server answers."""
    try:
        ask()
    except psycopg2.OperationalError:
        return False
    return True


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
def test_one_that_is_killed_under_load_costs_nobody_a_request(
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
    assert traffic.failed("GET", "POST") == []
    for person in (cat, dan):
        assert photos_of(person) == sorted(traffic.published[person.id] + before[person.id])


def test_a_restart_of_our_own_code_costs_no_reader_anything(full: PrivateStack, people: list[Person]) -> None:
    ann, ben, *_ = people
    before = {name: full.pid(name) for name in ("gunicorn_1", "gunicorn_2")}
    with Traffic([ann, ben], [], photo_id=0) as traffic:
        full.run([sys.executable, "-m", "stack", "restart"])
        asked = len(traffic.asked)
        wait_until(lambda: len(traffic.asked) > asked + 10, what="people at work")

    assert all(full.pid(name) != pid for name, pid in before.items())
    assert traffic.failed("GET") == []


def photos_of(person: Person) -> list[int]:
    """Return the ids of everything a person posted, from the shard itself."""
    schema = f"s{person.id % settings.LOGICAL_SHARDS:04d}"
    for server in settings.SHARD_SERVERS:
        if ask(person.stack, server, "SELECT 1 FROM pg_namespace WHERE nspname = %s", schema):
            found = f"SELECT id FROM {schema}.photos_photo WHERE author_id = %s ORDER BY id"  # our name
            return [number for (number,) in ask(person.stack, server, found, person.id)]
    raise AssertionError(f"{schema} is nowhere")
