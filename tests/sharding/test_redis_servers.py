"""The photo map's client follows a Redis that was promoted, while the process runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings

from instagram import topology
from sharding import redis_servers
from tests.support.own_servers import OwnServer, own_redis
from tests.support.waiting import wait_until

Pair = tuple[OwnServer, OwnServer]


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """A primary and its replica, known to the topology, with a key on both."""
    monkeypatch.setattr(settings, "TOPOLOGY_FILE", str(tmp_path / "topology.json"))
    # Each receives the other's copy in a file.
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    first_options, second_options = (["--dir", str(each), "--repl-diskless-sync-delay", "0"] for each in folders)
    with own_redis(*first_options) as first, own_redis(*second_options) as second:
        topology.note("redis_of_a_test", nodes={"first": first.address, "second": second.address})
        redis.Redis(port=second.port).replicaof("127.0.0.1", first.port)
        assert redis_servers.ask({first.address: [("SET", "key", "before")]})
        wait_until(lambda: redis.Redis(port=second.port).get("key") == b"before", what="the replica has the key")
        yield first, second


def kept_at(asked: OwnServer, holder: OwnServer, value: str) -> bool:
    """Write by the address that the settings know; return whether the holder has it."""
    redis_servers.ask({asked.address: [("SET", "key", value)]})
    return redis.Redis(port=holder.port).get("key") == value.encode()


def test_after_a_death_the_promoted_replica_is_asked(pair: Pair) -> None:
    first, second = pair
    first.kill()
    redis.Redis(port=second.port).replicaof("NO", "ONE")
    topology.note("redis_of_a_test", primary="second")

    wait_until(lambda: kept_at(first, second, "after"), what="the client follows")


def test_a_primary_that_became_a_replica_is_left_for_the_new_one(pair: Pair) -> None:
    first, second = pair
    redis.Redis(port=second.port).replicaof("NO", "ONE")
    redis.Redis(port=first.port).replicaof("127.0.0.1", second.port)
    topology.note("redis_of_a_test", primary="second")

    wait_until(lambda: kept_at(first, second, "after"), what="the client follows")


def test_without_a_word_of_the_topology_the_address_stays(pair: Pair) -> None:
    first, _ = pair

    assert kept_at(first, first, "after")
