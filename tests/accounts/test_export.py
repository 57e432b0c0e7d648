"""The archive of all one owns."""

import io
import json
import urllib.error
import urllib.request
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Export
from accounts.services.exports import expire_exports
from jobs.testing import run_until_idle
from photos import storage
from photos.services.exporting import make_export
from tests.support.people import a_person


def fetched(url):
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # our own CDN edge
        return answer.read()


def refused(url):
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetched(url)
    return caught.value.code


@pytest.fixture
def exported():
    anna, ben = a_person(full_name="Ånna"), a_person()
    anna.follow(ben)
    ben.follow(anna)
    media, other = anna.upload(caption="föhn"), ben.upload()
    anna.post(f"/v1/media/{other['id']}/likes")
    anna.post(f"/v1/media/{other['id']}/comments", text="lovely")
    anna.post("/v1/users/lookup", emails="nobody@nowhere.example")
    run_until_idle()
    assert anna.get("/v1/accounts/self/export")["data"] == {"status": "none", "url": None}
    for _ in range(2):
        anna.post("/v1/accounts/self/export")
    assert anna.get("/v1/accounts/self/export")["data"] == {"status": "queued", "url": None}
    run_until_idle()
    return anna, ben, media, other


def test_an_archive_holds_all_one_owns_behind_a_signed_address(exported):
    anna, ben, media, other = exported
    (export,) = Export.objects.filter(user=anna.id)
    answer = anna.get("/v1/accounts/self/export")["data"]
    assert answer["status"] == "ready"
    archive = zipfile.ZipFile(io.BytesIO(fetched(answer["url"])))

    def read(name):
        return json.loads(archive.read(f"{name}.json"))

    photo_id, other_id = (each["id"].split("_")[0] for each in (media, other))
    assert (read("profile")["full_name"], read("profile")["email"]) == ("Ånna", f"{anna.username}@example.com")
    assert [(each["id"], each["caption"]) for each in read("photos")] == [(photo_id, "föhn")]
    assert archive.read(read("photos")[0]["file"])[:3] == b"\xff\xd8\xff"
    assert [(each["photo_id"], each["text"]) for each in read("comments")] == [(other_id, "lovely")]
    assert read("likes") == [{"photo_id": other_id}]
    assert [(each["type"], each["from_id"]) for each in read("activity")] == [("follow", str(ben.id))]
    assert (read("logins"), read("contacts")) == ([], {"remembered": 1})
    assert read("profile")["email_confirmed_time"] is not None
    for name in ("follows", "followers"):
        assert read(name) == [{"id": str(ben.id), "username": ben.username}]
    assert refused(answer["url"].split("?")[0]) == 403
    assert refused(answer["url"].replace("expires=", "expires=1")) == 403
    assert refused(storage.signed_url(export.key, expires_at=1)) == 410


def test_making_it_twice_leaves_one_archive_and_it_is_deleted_after_its_time(exported):
    anna, *_ = exported
    (export,) = Export.objects.filter(user=anna.id)
    make_export(export.pk)
    assert Export.objects.get(pk=export.pk).key == export.key

    Export.objects.filter(pk=export.pk).update(finished_at=timezone.now() - timedelta(days=8))
    assert anna.get("/v1/accounts/self/export")["data"] == {"status": "expired", "url": None}
    expire_exports()
    run_until_idle()
    assert anna.get("/v1/accounts/self/export")["data"] == {"status": "expired", "url": None}
    store = storage.client()
    assert store.list_objects_v2(Bucket="test", Prefix=export.key).get("KeyCount") == 0
