"""Originals: kept as they came, within the quota, for their owner alone."""

import io
import json
import urllib.error
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
import pyvips
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections

from jobs.testing import run_until_idle
from photos import storage
from photos.models import OriginalUse
from photos.services import erasing
from sharding import shard_of
from tests.support.people import a_person, a_photo
from tests.support.store import objects_of, receipt_row_of, unpublished


@pytest.fixture
def anna(settings):
    settings.ORIGINALS_KEEP = True
    return a_person()


def bytes_counted(person):
    return shard_of(person.id).model(OriginalUse).objects.filter(author_id=person.id).values_list("byte_count").first()


def receipt_of(person, media):
    return person.get(f"/v1/media/{media['id']}/receipt")["data"]


def test_an_original_is_kept_byte_for_byte_and_no_address_leads_to_it(anna):
    image = a_photo()

    media = anna.upload(image)

    stem = receipt_row_of(media).original_stem
    assert receipt_of(anna, media)["original"] == "kept"
    assert storage.read_original(stem) == image
    assert bytes_counted(anna) == (len(image),)
    assert stem not in json.dumps([media, receipt_of(anna, media)])
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{django_settings.CDN_BASE_URL}/{storage.original_key(stem)}", timeout=5)  # noqa: S310  # our own CDN edge
    assert refused.value.code in (403, 404)


def test_a_photo_over_the_quota_is_published_without_its_original(anna, settings):
    settings.ORIGINALS_QUOTA_MB = 0

    media = anna.upload()

    assert receipt_of(anna, media)["original"] == "over_quota"
    assert receipt_row_of(media).original_stem == ""
    assert bytes_counted(anna) is None


def test_the_quota_is_exact_when_many_are_published_at_once(anna, settings):
    image = a_photo(width=2000, height=2000)
    image += b"\0" * (400_000 - len(image))
    settings.ORIGINALS_QUOTA_MB = 1  # two of 0.4 MB fit

    def upload(_):
        try:
            return anna.upload(image)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        photos = list(pool.map(upload, range(4)))
    run_until_idle()

    kept = [receipt for receipt in map(receipt_row_of, photos) if receipt.original == "kept"]
    assert len(kept) == 2
    assert bytes_counted(anna) == (800_000,)
    assert sum(len(objects_of(receipt.original_stem)) for receipt in kept) == 2


def test_deleting_a_photo_deletes_its_original_and_makes_room(anna):
    media = anna.upload()
    stem = receipt_row_of(media).original_stem

    anna.delete(f"/v1/media/{media['id']}")
    run_until_idle()

    assert objects_of(stem) == set()
    assert bytes_counted(anna) == (0,)


def test_the_original_of_an_upload_that_waited_is_kept_too(anna):
    image = a_photo()
    held = anna.post("/v1/media/uploads", photo=SimpleUploadedFile("photo.jpg", image))["data"]
    assert bytes_counted(anna) is None

    media = anna.post("/v1/media", upload_id=held["upload_id"])["data"]
    run_until_idle()

    assert storage.read_original(receipt_row_of(media).original_stem) == image
    assert bytes_counted(anna) == (len(image),)


def test_the_archive_holds_originals_and_receipts(anna):
    image = a_photo()
    media = anna.upload(image)
    anna.post("/v1/accounts/self/export")
    run_until_idle()

    with urllib.request.urlopen(anna.get("/v1/accounts/self/export")["data"]["url"], timeout=10) as answer:  # noqa: S310  # our own CDN edge
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))

    (photo,) = json.loads(archive.read("photos.json"))
    assert archive.read(photo["original"]) == image
    assert photo["original"] == f"originals/{media['id'].split('_')[0]}.jpeg"
    assert photo["receipt"]["received"]["bytes"] == len(image)


def test_a_deleted_persons_originals_go_with_them(anna):
    stem = receipt_row_of(anna.upload()).original_stem

    while erasing.erase_photos(anna.id).next is not None:
        pass
    run_until_idle()

    assert objects_of(stem) == set()
    assert bytes_counted(anna) is None


def test_with_the_setting_an_original_is_kept_without_its_metadata(anna, settings):
    settings.ORIGINALS_STRIP = True

    media = anna.upload(a_photo())

    receipt = receipt_row_of(media)
    assert receipt.original == "stripped"
    assert b"Exif" in a_photo()
    assert b"Exif" not in storage.read_original(receipt.original_stem)
    assert bytes_counted(anna) == (len(storage.read_original(receipt.original_stem)),)


@pytest.mark.parametrize("waits", [False, True])
def test_an_original_that_cannot_be_stripped_is_not_kept(anna, settings, waits):
    settings.ORIGINALS_STRIP = True
    gif = pyvips.Image.new_from_buffer(a_photo(), "").gifsave_buffer()

    if waits:
        held = anna.post("/v1/media/uploads", photo=SimpleUploadedFile("photo.gif", gif))["data"]
        ((_, stem),) = unpublished(anna)
        media = anna.post("/v1/media", upload_id=held["upload_id"])["data"]
        run_until_idle()
        assert objects_of(stem) == set()
    else:
        media = anna.upload(gif)

    assert receipt_of(anna, media)["original"] == "not_strippable"
    assert receipt_row_of(media).original_stem == ""
    assert bytes_counted(anna) is None
