"""Failover on a full data centre: a primary is killed under load, a replica takes over, nothing acknowledged goes."""

import json
import signal
import subprocess
import sys

import pytest
import requests
from django.conf import settings

from tests.faults import Person, ask, body_of
from tests.recovery.load import Load
from tests.support.private import ROOT, PrivateStack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

#: Seconds of errors that people of the server may see; on idle cores it is about 5 (docs/failover.md).
ERRORS_MAX_S = 60.0
#: Seconds that a comment may wait for a replica that is frozen: below the statement time-out, which would end the wait
#: with an acknowledgement that only one disk stands for.
WAIT_MAX_S = settings.DB_STATEMENT_TIMEOUT_MS / 1000


def promote(stack: PrivateStack, *words: str) -> subprocess.CompletedProcess[str]:
    return stack.run([sys.executable, "manage.py", "promote", *words], check=False)


def primary_of(stack: PrivateStack, server: str) -> str:
    file = stack.state_dir / "topology.json"
    said = json.loads(file.read_text()) if file.exists() else {}
    first = server if server.startswith("redis") else f"postgres_{server}"
    return str(said.get(server, {}).get("primary", first))


def is_synchronous(stack: PrivateStack, server: str) -> bool:
    (row,) = ask(stack, server, "SHOW synchronous_standby_names")
    return bool(row[0])


def kill_and_keep_dead(stack: PrivateStack, name: str) -> None:
    (stack.state_dir / "run" / f"{name}.held").touch()
    pid = stack.kill(name)
    wait_until(lambda: stack.components[name]["pid"] != pid, what=f"{name} is gone")


def comments_on(stack: PrivateStack, server: str, photo_id: int) -> set[int]:
    schema = f"s{photo_id >> 10 & 8191:04d}"
    return {
        row[0] for row in ask(stack, server, f"SELECT id FROM {schema}.photos_comment WHERE photo_id = %s", photo_id)
    }


def test_a_killed_primary_costs_no_acknowledged_write_and_nobody_elsewhere_an_error(
    full: PrivateStack, people: dict[str, list[Person]]
) -> None:
    (near, *_), (far, second, *_) = people["shard_a"], people["shard_b"]
    old = primary_of(full, "shard_b")
    wait_until(lambda: is_synchronous(full, "shard_b"), seconds=20, what="replication is synchronous")

    with Load([near, far, second]) as load:
        wait_until(lambda: load.count(far) > 30, seconds=30, what="a load of writes")
        kill_and_keep_dead(full, old)
        before = {person.id: load.count(person) for person in (near, far, second)}
        promoted = promote(full, "shard_b")
        wait_until(lambda: load.count(far) > before[far.id] + 20, seconds=30, what="writes go on")

    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert primary_of(full, "shard_b") != old
    for person in (far, second):
        ids = [comment_id for _, comment_id in load.acknowledged[person.id]]
        assert set(ids) <= comments_on(full, "shard_b", load.photos[person.id])
        assert ids == sorted(set(ids)), "ids keep growing"
    assert load.failed[near.id] == []
    window = load.error_window(far)
    print(f"\nshard_b: errors for {window:.1f} s, {len(load.failed[far.id])} of them, longest time without an")
    print(f"acknowledgement {load.longest_gap(far):.1f} s, {load.count(far)} acknowledged, 0 lost\n{promoted.stdout}")
    # None at all where the promotion is quicker than the time that people wait in PgBouncer.
    assert window < ERRORS_MAX_S
    assert full.components[old]["state"] == "well"
    assert "follows, by pg_rewind" in promoted.stdout
    full.manage("replicas", "status")
    wait_until(lambda: is_synchronous(full, "shard_b"), what="replication is synchronous again")


def test_a_planned_switch_costs_nobody_an_error(full: PrivateStack, people: dict[str, list[Person]]) -> None:
    far = people["shard_b"][0]
    old = primary_of(full, "shard_b")

    with Load([far]) as load:
        wait_until(lambda: load.count(far) > 10, seconds=30, what="a load of writes")
        refused = promote(full, "shard_b")
        switched = promote(full, "shard_b", "--planned")
        done = load.count(far)
        wait_until(lambda: load.count(far) > done + 10, seconds=30, what="writes go on")

    assert refused.returncode == 2
    assert "answers as primary: --planned switches without an error" in refused.stderr
    assert switched.returncode == 0, switched.stdout + switched.stderr
    assert primary_of(full, "shard_b") != old
    waited = load.longest_gap(far)
    print(f"\nshard_b: longest wait {waited:.1f} s, errors {load.failed[far.id]}\n{switched.stdout}")
    # A machine too busy to switch within the time that a page may take to read tells those who wait so.
    assert load.failed[far.id] == [] or waited > settings.PAGE_READ_BUDGET_S
    ids = [comment_id for _, comment_id in load.acknowledged[far.id]]
    assert set(ids) <= comments_on(full, "shard_b", load.photos[far.id])


def test_a_promotion_that_was_broken_off_goes_on_where_it_stood(
    full: PrivateStack, people: dict[str, list[Person]]
) -> None:
    old = primary_of(full, "shard_b")
    words = [sys.executable, "manage.py", "promote", "shard_b", "--planned"]

    for last_words in ("is ended and held", "is promoted", "serves again"):
        with subprocess.Popen(words, cwd=ROOT, env=full.env, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            # A second time it may be past this point already.
            any(last_words in line for line in process.stdout)
            process.kill()
    finished = promote(full, "shard_b")

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert primary_of(full, "shard_b") != old
    assert "moving" not in (full.state_dir / "topology.json").read_text()
    full.manage("replicas", "status")
    assert body_of(people["shard_b"][0].get("/v1/users/self"))


def test_a_dead_replica_lets_commits_wait_for_moments_and_no_longer(
    full: PrivateStack, people: dict[str, list[Person]]
) -> None:
    far = people["shard_b"][0]
    primary = primary_of(full, "shard_b")
    replica = "postgres_shard_b" if primary != "postgres_shard_b" else "postgres_shard_b_replica"
    wait_until(lambda: is_synchronous(full, "shard_b"), seconds=20, what="replication is synchronous")

    with Load([far]) as load:
        wait_until(lambda: load.count(far) > 5, seconds=30, what="a load of writes")
        with full.frozen(replica):
            wait_until(lambda: not is_synchronous(full, "shard_b"), seconds=20, what="the guard gave the replica up")
            done = load.count(far)
            wait_until(lambda: load.count(far) > done + 10, seconds=20, what="writes go on")

    print(f"\na frozen replica: longest wait {load.longest_gap(far):.1f} s, {len(load.failed[far.id])} errors")
    assert load.failed[far.id] == []
    # 2 s until the frozen one is known as such, REPLICATION_GIVE_UP_S, the guard's look; the rest is the machine's.
    assert load.longest_gap(far) < WAIT_MAX_S
    wait_until(lambda: is_synchronous(full, "shard_b"), seconds=20, what="replication is synchronous again")


def test_synchronous_replication_is_switched_off_and_on_by_hand(full: PrivateStack) -> None:
    assert "wait for no replica" in full.manage("replicas", "sync", "off", "shard_a")
    assert not is_synchronous(full, "shard_a")

    full.manage("replicas", "sync", "auto", "shard_a")
    wait_until(lambda: is_synchronous(full, "shard_a"), seconds=20, what="replication is synchronous again")


def test_a_killed_redis_is_replaced_by_its_replica_and_the_service_follows(
    full: PrivateStack, people: dict[str, list[Person]]
) -> None:
    near = people["shard_a"][0]
    old = primary_of(full, "redis_1")
    photo = near.upload()

    kill_and_keep_dead(full, old)
    promoted = promote(full, "redis_1")

    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert primary_of(full, "redis_1") != old
    assert body_of(near.get(f"/v1/media/{photo}"))

    def deep_is_well() -> bool:
        return requests.get(f"{full.url}/health/deep", timeout=10).status_code == 200

    wait_until(deep_is_well, seconds=20, what="everything is well")
    full.manage("replicas", "status")


def test_roles_outlive_a_restart_of_the_data_centre(full: PrivateStack, people: dict[str, list[Person]]) -> None:
    far = people["shard_b"][0]
    switched = promote(full, "shard_b", "--planned")
    assert switched.returncode == 0, switched.stdout + switched.stderr
    roles = {server: primary_of(full, server) for server in ("main", "shard_a", "shard_b", "redis_1")}
    photo = far.upload()

    full.down()
    again = full.up()

    assert again.returncode == 0, again.stdout + again.stderr
    assert {server: primary_of(full, server) for server in roles} == roles
    assert body_of(far.get(f"/v1/media/{photo}"))
    full.manage("replicas", "status")


def test_a_frozen_main_is_replaced_without_asking_it(full: PrivateStack, people: dict[str, list[Person]]) -> None:
    near = people["shard_a"][0]
    old = primary_of(full, "main")
    full.kill(old, signal.SIGSTOP)

    promoted = promote(full, "main")

    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert primary_of(full, "main") != old
    wait_until(lambda: near.get("/v1/users/self").status_code == 200, seconds=20, what="people are served")
    assert near.upload()
    full.manage("replicas", "status")
