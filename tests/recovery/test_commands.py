"""promote and replicas refuse in a sentence what cannot be, and change nothing."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from instagram import topology


def refusal(*words: str) -> str:
    with pytest.raises(CommandError) as caught:
        call_command(*words)
    assert caught.value.returncode == 2
    return str(caught.value)


def test_there_must_be_such_a_server() -> None:
    assert refusal("promote", "shard_z").startswith("there is no server shard_z; there are main, shard_a, shard_b")


def test_there_must_be_a_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STACK_KIND", "lean")

    for server in ("shard_b", "redis_1"):
        assert "has no replica to promote" in refusal("promote", server)


def test_the_data_centre_must_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STATE_DIR", tmp_path)
    (tmp_path / "run").mkdir()

    assert "the data centre does not run" in refusal("promote", "shard_b")


def test_one_promotion_that_was_broken_off_is_finished_before_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "STACK_KIND", "full")
    monkeypatch.setattr(settings, "TOPOLOGY_FILE", str(tmp_path / "topology.json"))
    topology.note("shard_b", moving={"to": "postgres_shard_b_replica"})

    said = refusal("promote", "shard_b", "--to", "postgres_shard_b")
    assert "a promotion of postgres_shard_b_replica was broken off" in said
    assert "has no node nobody" in refusal("promote", "shard_a", "--to", "nobody")
