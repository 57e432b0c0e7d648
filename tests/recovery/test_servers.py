"""Which servers a host deals with: those whose primary is on it."""

import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from instagram import topology
from recovery.backup import local_stack, pgbackrest, servers
from recovery.management.door import NOTHING_HERE

#: An address that no machine has: RFC 5737.
ELSEWHERE = "192.0.2.1"


@pytest.fixture(autouse=True)
def moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """shard_a was promoted on this host, shard_b's primary is on another."""
    monkeypatch.setattr(settings, "TOPOLOGY_FILE", str(tmp_path / "topology.json"))
    monkeypatch.setattr(settings, "STACK_KIND", "full")
    topology.note("shard_a", primary="postgres_shard_a_replica")
    topology.note("shard_b", nodes={"db-b1": f"{ELSEWHERE}:5432", "db-b2": f"127.0.0.1:{settings.PGBOUNCER_PORT}"})
    yield


def test_a_server_whose_primary_is_elsewhere_is_not_dealt_with_here() -> None:
    assert servers.names() == ["main", "shard_a", "shard_b"]
    assert servers.primaries() == ["main", "shard_a"]
    assert servers.primaries(["shard_b"]) == []


@pytest.mark.parametrize(
    "words", [["restore", "--to", "2026-11-26 14:03:00"], ["drill"], ["backup"], ["backup", "--mark"]]
)
def test_a_host_of_replicas_alone_says_so_and_does_nothing(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only_a_replica(tmp_path, monkeypatch)
    said = StringIO()

    call_command(*words, stdout=said)

    assert said.getvalue().strip() == NOTHING_HERE


@pytest.mark.parametrize("words", [["backup"], ["backup", "--mark"]])
def test_a_replica_that_is_promoted_finds_where_its_log_goes(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only_a_replica(tmp_path, monkeypatch)

    call_command(*words, stdout=StringIO())

    conf = (tmp_path / "pgbackrest.conf").read_text()
    assert "[shard_b]\n" in conf
    # The port of the node that is here, not that of the primary of now.
    assert f"pg1-port={settings.PGBOUNCER_PORT}\n" in conf


def _only_a_replica(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a host with the replica of shard_b and nothing else."""
    folder.chmod(0o755)
    monkeypatch.setattr(settings, "BACKUP_SERVERS", ["shard_b"])
    monkeypatch.setattr(settings, "BACKUP_CONF_FILE", folder / "pgbackrest.conf")
    monkeypatch.setattr(settings, "BACKUP_DIR", folder / "backups")


def test_pgbackrest_asks_the_server_itself_where_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def run(_words: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        asked.append(options)
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(pgbackrest.subprocess, "run", run)
    pgbackrest.run("info", "shard_b")

    assert asked[0]["env"]["PGHOST"] == ELSEWHERE


def test_a_restore_in_place_stops_the_node_that_is_primary() -> None:
    assert local_stack._server("shard_a").name == "postgres_shard_a_replica"
    assert local_stack._server("main").name == "postgres_main"
