"""Taking a backup: how it is noted, and what it says when it cannot be taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings
from django.utils import timezone

from recovery.backup import listings, servers, take
from recovery.backup.errors import Failed
from recovery.backup.manifest import Manifest
from recovery.models import Archived, Backup
from sharding import ShardUnavailable


@pytest.fixture(autouse=True)
def place(tmp_path: Path) -> Iterator[None]:
    tmp_path.chmod(0o755)
    with override_settings(BACKUP_CONF_FILE=tmp_path / "pgbackrest.conf", BACKUP_DIR=tmp_path / "backups"):
        yield
    Backup.objects.filter(why="the store is full").delete()


def test_hosts_that_begin_in_the_same_second_each_note_their_own_backup(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_words: object, **_options: object) -> None:
        raise Failed("the store is full")

    began = timezone.now()
    monkeypatch.setattr(take.timezone, "now", lambda: began)
    monkeypatch.setattr(take, "_taken", full)
    for name in ("shard_a", "shard_b"):
        monkeypatch.setattr(servers, "primaries", lambda name=name: [name])
        with pytest.raises(Failed, match="the store is full"):
            take.take()

    noted = Backup.objects.filter(why="the store is full").order_by("label")
    assert [(each.label, each.state) for each in noted] == [
        (f"{began:%Y%m%d-%H%M%S}-{name}", Backup.State.FAILED) for name in ("shard_a", "shard_b")
    ]


@pytest.fixture
def main_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_words: object, **_options: object) -> None:
        raise ShardUnavailable("main")

    monkeypatch.setattr(Backup, "save", away)
    monkeypatch.setattr(Archived.objects, "update_or_create", away)


@pytest.mark.usefixtures("main_is_away")
def test_a_shard_is_backed_up_while_main_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(servers, "primaries", lambda: ["shard_a"])
    monkeypatch.setattr(take, "_taken", lambda label, *_words, **_options: Manifest(label, "r1", {}, []))
    monkeypatch.setattr(take, "prune", lambda _stores: [])

    made = take.take(say=said.append)

    assert made.label.endswith("-shard_a")
    assert said == [f"main does not know of {made.label}"]


@pytest.mark.usefixtures("main_is_away")
def test_a_shards_log_goes_into_the_archive_while_main_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    moment = timezone.now()
    monkeypatch.setattr(servers, "_mark", lambda _server: moment)

    assert servers.mark(["shard_a"]) == moment
    assert "main does not know that shard_a can be restored" in caplog.text


def test_a_host_without_the_tools_of_redis_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Failed, match=r"redis-cli cannot be run: No such .* \(apt-get install redis-tools\)"):
        next(listings.redis_snapshots(tmp_path))
