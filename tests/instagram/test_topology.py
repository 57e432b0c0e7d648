"""Which node is the primary: the file's word, and what holds without one."""

from pathlib import Path

import pytest
from django.conf import settings

from instagram import topology


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "topology.json"
    monkeypatch.setattr(settings, "TOPOLOGY_FILE", str(path))
    return path


def test_without_a_file_the_first_node_is_the_primary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STACK_KIND", "full")

    assert topology.primary("shard_b").name == "postgres_shard_b"
    assert topology.replica("shard_b") == topology.nodes("shard_b")[1]


def test_the_lean_data_centre_has_no_replica_but_keeps_a_promoted_primary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STACK_KIND", "lean")
    topology.note("shard_b", primary="postgres_shard_b_replica")

    assert topology.primary("shard_b").port == settings.POSTGRES_REPLICA_PORTS["shard_b"]
    assert topology.replica("shard_b") is None


def test_a_note_changes_one_servers_facts_and_none_takes_one_out(file: Path) -> None:
    topology.note("shard_a", primary="postgres_shard_a_replica", moving={"to": "postgres_shard_a"})
    topology.note("shard_b", synchronous=False)
    topology.note("shard_a", moving=None)

    assert topology.facts("shard_a") == {"primary": "postgres_shard_a_replica"}
    assert topology.facts("shard_b") == {"synchronous": False}
    assert [each.name for each in file.parent.iterdir() if each.suffix == ".new"] == []


def test_a_server_of_hosts_has_the_nodes_that_the_file_names() -> None:
    nodes = {"db-b1": "10.0.0.32:5432", "db-b2": "10.0.0.33:5432"}
    topology.note("shard_b", nodes=nodes, primary="db-b2")

    assert topology.primary("shard_b").address == "10.0.0.33:5432"
    assert topology.primary("shard_b").slot == "db_b2"
    replica = topology.replica("shard_b")
    assert replica is not None
    assert replica.name == "db-b1"
    assert topology.primary_address("10.0.0.32:5432") == "10.0.0.33:5432"
    assert topology.primary_address("10.0.0.99:6379") == "10.0.0.99:6379"
