"""A backup's own files: encrypted and whole, on disk and in a bucket."""

from pathlib import Path

import pytest
from django.test import override_settings

from recovery.backup.errors import Failed
from recovery.backup.vault import make_places, sealed, unsealed, vault

MB = 2**20
encrypted = override_settings(BACKUP_ENCRYPT=True, BACKUP_KEY="a key of the operator")


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path):
    with override_settings(BACKUP_DIR=tmp_path / "backups", BACKUP_S3_BUCKET="backups-of-tests"):
        make_places([request.param])
        place = vault(request.param)
        yield place
        for folder in place.folders():
            place.remove(folder)


def test_what_is_put_comes_back_and_a_removed_folder_is_gone(store, tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes(b"one\n")

    store.put("20261126-030000/list", file)
    store.get("20261126-030000/list", tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == b"one\n"
    assert store.folders() == ["20261126-030000"]
    store.remove("20261126-030000")
    assert store.folders() == []


def test_what_is_not_there_is_said_in_a_sentence(store, tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"is not in|the store of backups"):
        store.get("nothing/there", tmp_path / "back")


@encrypted
@pytest.mark.parametrize("size", [0, 1, MB, MB + 1, 3 * MB])
def test_a_sealed_file_hides_its_content_and_opens_to_it(tmp_path: Path, size: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"secret!!" * (size // 8) + b"s" * (size % 8))

    stored = sealed(file)

    assert b"secret" not in stored.read_bytes()
    assert unsealed(stored).read_bytes() == file.read_bytes()


@encrypted
@pytest.mark.parametrize("harm", ["flipped", "cut", "swapped"])
def test_a_sealed_file_that_was_harmed_does_not_open(tmp_path: Path, harm: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"a" * MB + b"b" * MB + b"c")
    stored = sealed(file)
    bytes_ = bytearray(stored.read_bytes())
    head, piece = 6 + 16, MB + 16
    if harm == "flipped":
        bytes_[head + 10] ^= 1
    elif harm == "cut":
        del bytes_[head + 2 * piece :]
    else:
        first, second = bytes_[head : head + piece], bytes_[head + piece : head + 2 * piece]
        bytes_[head : head + 2 * piece] = second + first
    stored.write_bytes(bytes_)

    with pytest.raises(Failed, match="altered"):
        unsealed(stored)


@encrypted
def test_another_key_opens_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"a")
    stored = sealed(file)

    with override_settings(BACKUP_KEY="another"), pytest.raises(Failed, match="BACKUP_KEY is another"):
        unsealed(stored)
