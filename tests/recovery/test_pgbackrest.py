"""pgBackRest's configuration: what the settings want, and nothing by accident."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from recovery.backup import pgbackrest
from recovery.backup.errors import Failed, Refused
from tests.instagram.test_settings import SECRETS, start_in_production


@pytest.fixture
def place(tmp_path: Path):
    tmp_path.chmod(0o755)
    with override_settings(BACKUP_CONF_FILE=tmp_path / "pgbackrest.conf", BACKUP_DIR=tmp_path / "backups"):
        yield tmp_path


def test_the_configuration_is_the_servers_alone(place: Path) -> None:
    with override_settings(BACKUP_ENCRYPT=True, BACKUP_KEY="a key of the operator"):
        pgbackrest.write_configuration()

    file = place / "pgbackrest.conf"
    assert "repo1-cipher-pass=a key of the operator\n" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_only_reads_backups_never_changes_where_wal_goes(place: Path) -> None:
    pgbackrest.write_configuration()
    before = (place / "pgbackrest.conf").read_text()

    with override_settings(BACKUP_ENCRYPT=True, BACKUP_KEY="another"):
        with pytest.raises(Refused, match=r"manage\.py backup writes it"):
            pgbackrest.write_configuration()
        assert (place / "pgbackrest.conf").read_text() == before
        pgbackrest.write_configuration(change=True)

    assert (place / "pgbackrest.conf").read_text() != before


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"BACKUP_STORES": []}, "BACKUP_STORES is empty"),
        ({"BACKUP_STORES": ["tape"]}, "BACKUP_STORES is tape"),
        ({"BACKUP_STORES": ["disk", "disk"]}, "BACKUP_STORES is disk,disk"),
        ({"BACKUP_STORES": ["s3"], "BACKUP_S3_ENDPOINT": "http://127.0.0.1:1"}, "needs an https:// address"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(place: Path, changed: dict, sentence: str) -> None:
    with override_settings(**changed), pytest.raises(Refused, match=sentence):
        pgbackrest.write_configuration()

    assert not (place / "pgbackrest.conf").exists()


def test_days_take_the_place_of_a_number_of_backups(place: Path) -> None:
    with override_settings(BACKUP_KEEP_DAYS=30):
        text = pgbackrest.configuration()

    assert "repo1-retention-full-type=time\nrepo1-retention-full=30\n" in text


def test_what_pgbackrest_refuses_is_told_in_its_first_sentence(place: Path) -> None:
    pgbackrest.write_configuration()

    with pytest.raises(Failed, match=r"^main: pgbackrest restore: \[\d+\]: "):
        pgbackrest.run("restore", "main", "--set=nothing")


def test_production_refuses_encryption_under_the_development_key() -> None:
    answer = start_in_production(SECRETS | {"BACKUP_ENCRYPT": "1"})

    assert answer.returncode != 0
    assert "BACKUP_KEY" in answer.stderr
    assert start_in_production(SECRETS | {"BACKUP_ENCRYPT": "1", "BACKUP_KEY": "the operator's"}).returncode == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["restore"], "--to says the moment"),
        (["restore", "--to", "noon"], "is no moment"),
        (["restore", "--to", "2026-11-26 25:00:00"], "is no moment"),
        (["restore", "--to", "2999-01-01 00:00", "--store", "tape"], "has no tape"),
        (["restore", "--to", "2026-11-26 14:03:00", "--server", "shard_z"], "there is no server shard_z"),
    ],
)
def test_bad_words_end_with_2_and_a_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    tmp_path.chmod(0o755)
    elsewhere = {"BACKUP_CONF_FILE": str(tmp_path / "conf"), "BACKUP_DIR": str(tmp_path / "backups")}
    result = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env=os.environ | elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
