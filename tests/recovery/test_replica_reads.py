"""Reads that may be a moment old, in a full data centre: from the replica while it is near, else from the primary."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from django.conf import settings

from stack import probes
from tests.faults import Person, body_of
from tests.support.private import PrivateStack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

#: One process reads all the time, for as long as somebody waits for what it meets; it prints who answered and how fast.
_READER = """
import json, time
from sharding import replicas, server_named
server = server_named("shard_b")
ends = time.monotonic() + 60
while time.monotonic() < ends:
    began = time.monotonic()
    ((port,),) = replicas.rows(server, "SELECT inet_server_port()")
    print(json.dumps([port, round(time.monotonic() - began, 3)]), flush=True)
    time.sleep(0.02)
"""


class Reader:
    """A process of the service that reads shard_b where a moment does not matter."""

    def __init__(self, stack: PrivateStack) -> None:
        env = stack.env | {"REPLICA_MAX_LAG_S": "0.5"}
        command = [sys.executable, "manage.py", "shell", "-v0", "-c", _READER]
        self.process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=env, stdout=subprocess.PIPE, text=True)
        self.slowest = 0.0

    def reads_from(self, port: int) -> None:
        """Return once reads come from a port; an error would have ended the process."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found, seconds = json.loads(line)
            self.slowest = max(self.slowest, seconds)
            if found == port:
                return
        raise AssertionError(f"no read came from port {port}")


@contextmanager
def reader(stack: PrivateStack) -> Iterator[Reader]:
    found = Reader(stack)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()


def nodes(stack: PrivateStack) -> tuple[str, str]:
    """Return the names of shard_b's primary and replica."""
    file = stack.state_dir / "topology.json"
    said = json.loads(file.read_text()) if file.exists() else {}
    primary = said.get("shard_b", {}).get("primary", "postgres_shard_b")
    return primary, "postgres_shard_b" if primary != "postgres_shard_b" else "postgres_shard_b_replica"


def ask(stack: PrivateStack, node: str, sql: str) -> list[tuple]:
    port = stack.ports[node]
    return probes.query(port, sql, "shard_b", user="postgres", password=settings.DB_SUPERUSER_PASSWORD)


@contextmanager
def paused(stack: PrivateStack, node: str) -> Iterator[None]:
    ask(stack, node, "SELECT pg_wal_replay_pause()::text")
    try:
        yield
    finally:
        ask(stack, node, "SELECT pg_wal_replay_resume()::text")


def test_a_replica_that_is_behind_is_not_read_until_it_has_caught_up(full: PrivateStack) -> None:
    primary, replica = nodes(full)
    with reader(full) as reads:
        reads.reads_from(full.ports[replica])
        with paused(full, replica):
            ask(full, primary, "CREATE TABLE IF NOT EXISTS public.mark (n int)")
            reads.reads_from(full.ports[primary])
        reads.reads_from(full.ports[replica])


@pytest.mark.parametrize("fault", ["dead", "frozen"])
def test_a_replica_that_is_lost_is_not_read_and_costs_no_error(full: PrivateStack, fault: str) -> None:
    primary, replica = nodes(full)
    with reader(full) as reads:
        reads.reads_from(full.ports[replica])
        with full.dead(replica) if fault == "dead" else full.frozen(replica):
            reads.reads_from(full.ports[primary])
        reads.reads_from(full.ports[replica])

    assert reads.slowest < settings.DB_ANSWER_TIMEOUT_S


def test_a_block_takes_effect_at_once_whatever_the_replica_knows(
    full: PrivateStack, people: dict[str, list[Person]]
) -> None:
    owner, stranger = people["shard_b"]
    photo = owner.upload()
    assert body_of(stranger.get(f"/v1/media/{photo}"))

    _, replica = nodes(full)
    with paused(full, replica):
        body_of(owner.post(f"/v1/users/{stranger.id}/relationship", action="block"))
        assert stranger.get(f"/v1/media/{photo}").status_code in {400, 403, 404}


def test_the_deep_health_page_tells_how_far_behind_each_replica_is(full: PrivateStack) -> None:
    def checks() -> dict[str, dict]:
        return {one["name"]: one for one in requests.get(f"{full.url}/health/deep", timeout=10).json()["checks"]}

    wait_until(lambda: checks()["replica of shard_b"]["ok"], seconds=20, what="the replica is well")
    assert {"replica of main", "replica of shard_a", "replica of shard_b"} <= set(checks())
    assert checks()["replica of shard_b"]["lag_s"] < settings.REPLICA_ALERT_LAG_S
    with full.dead(nodes(full)[1]):
        assert "follows nobody" in checks()["replica of shard_b"]["error"]
        assert checks()["shard_b"]["ok"]
