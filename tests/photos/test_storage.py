"""What the service asks of an object store, held against two of them: through settings alone.

SeaweedFS, the local data centre's, and rclone's, which keeps plain files and knows neither policies nor metadata.
"""

import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.test import override_settings

from photos import storage
from photos.storage import keys, store
from tests.support.waiting import wait_until

JPEGS = {150: b"small", 306: b"medium", 612: b"large", 1080: b"largest"}


@pytest.fixture(scope="module")
def rclone(tmp_path_factory):
    """A second store, of another make; yields the settings that lead to it."""
    folder = tmp_path_factory.mktemp("rclone")
    (folder / "photos").mkdir()
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [Path(sys.executable).parent / "rclone", "serve", "s3", "--addr", f"127.0.0.1:{port}"]
        + ["--auth-key", "the-name,the-secret", "--config", os.devnull, str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _answers(port), what="rclone answers")
        yield {
            "S3_ENDPOINT": f"http://127.0.0.1:{port}",
            "S3_BUCKET": "photos",
            "S3_ACCESS_KEY": "the-name",
            "S3_SECRET_KEY": "the-secret",
        }
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(params=["seaweedfs", "rclone"])
def any_store(request):
    """Lead the service to one store after the other."""
    chosen = {} if request.param == "seaweedfs" else request.getfixturevalue("rclone")
    with override_settings(**chosen):
        yield request.param


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def found(prefix: str) -> list[str]:
    return [each.key for page in store.found_below(prefix) for each in page]


def test_renditions_are_stored_found_read_and_deleted(any_store) -> None:
    for private in (False, True):
        stem = storage.store_renditions(JPEGS, stem=storage.new_stem(private=private))

        assert found(keys.folder(stem)) == keys.keys_of(stem)
        assert storage.read_largest(stem) == b"largest"
        storage.delete_renditions(stem)
        storage.delete_renditions(stem)
        assert found(keys.folder(stem)) == []
        assert storage.read_largest(stem) is None


def test_a_copy_within_the_store_has_the_same_bytes_and_may_be_repeated(any_store) -> None:
    old = storage.store_renditions(JPEGS)
    new = storage.new_stem(private=True)
    for _ in range(2):
        storage.copy_renditions(old, new)

    assert [store.read(key) for key in keys.keys_of(new)] == list(JPEGS.values())
    storage.delete_renditions(old)
    with pytest.raises(storage.NotThere):
        storage.copy_renditions(old, new)
    storage.delete_renditions(new)


def test_a_listing_has_sizes_and_md5s_and_goes_on_where_it_was_left(any_store, monkeypatch) -> None:
    monkeypatch.setattr(store, "KEYS_AT_ONCE", 3)
    stem = storage.store_renditions(JPEGS)

    pages = list(store.found_below(keys.folder(stem)))
    assert [len(page) for page in pages] == [3, 1]
    assert [each.bytes for page in pages for each in page] == [5, 6, 5, 7]
    assert pages[0][0].etag == "eb5c1399a871211c7e7ed732d15e3a8b"  # MD5 of "small"
    rest = list(store.found_below(keys.folder(stem), after=pages[0][-1].key))
    assert [each.key for page in rest for each in page] == keys.keys_of(stem)[3:]
    storage.delete_renditions(stem)


def test_originals_and_archives_have_their_own_places(any_store, tmp_path) -> None:
    stem = storage.new_stem()
    storage.store_original(stem, b"as it came")
    assert storage.read_original(stem) == b"as it came"
    storage.delete_original(stem)
    assert storage.read_original(stem) is None

    (tmp_path / "archive.zip").write_bytes(b"zip")
    storage.store_private("prv/exports/test.zip", tmp_path / "archive.zip")
    assert found("prv/exports/test.zip") == ["prv/exports/test.zip"]
    storage.delete_private("prv/exports/test.zip")
    assert found("prv/exports/test.zip") == []


def test_a_store_that_is_away_or_refuses_us_is_unavailable(any_store) -> None:
    with override_settings(S3_ACCESS_KEY="nobody", S3_SECRET_KEY="wrong"), pytest.raises(storage.StorageUnavailable):
        storage.store_renditions(JPEGS)
    with override_settings(S3_ENDPOINT="http://127.0.0.1:9"), pytest.raises(storage.StorageUnavailable):
        storage.read_largest(storage.new_stem())


def test_public_objects_may_be_kept_for_a_year_and_private_ones_for_an_hour() -> None:
    for private, said in ((False, "public, max-age=31536000, immutable"), (True, "private, max-age=3600")):
        stem = storage.store_renditions(JPEGS, stem=storage.new_stem(private=private))
        copy = storage.new_stem(private=private)
        storage.copy_renditions(stem, copy)
        for each in (stem, copy):
            head = storage.client().head_object(Bucket=settings.S3_BUCKET, Key=keys.key(each, 612))
            assert (head["CacheControl"], head["ContentType"]) == (said, "image/jpeg")
        storage.delete_renditions(stem, copy)


def test_the_store_gives_strangers_public_objects_alone() -> None:
    public = storage.store_renditions(JPEGS)
    private = storage.store_renditions(JPEGS, stem=storage.new_stem(private=True))
    original = storage.new_stem()
    storage.store_original(original, b"with a position")

    def status(key: str) -> int:
        return requests.get(f"{settings.S3_ENDPOINT}/{settings.S3_BUCKET}/{key}", timeout=5).status_code

    assert status(keys.key(public, 612)) == 200
    assert status(keys.key(private, 612)) == 403
    assert status(keys.original_key(original)) == 403
    storage.delete_renditions(public, private)
    storage.delete_original(original)


def test_without_keys_and_endpoint_boto_looks_for_its_own() -> None:
    with override_settings(
        S3_ENDPOINT="", S3_ACCESS_KEY="", S3_SECRET_KEY="", S3_REGION="eu-west-1", S3_ADDRESSING="auto"
    ):
        client = store.new_client()

    assert client.meta.endpoint_url == "https://s3.eu-west-1.amazonaws.com"
    assert client.meta.region_name == "eu-west-1"
