"""A deleted photo is gone from everywhere, and a job proves it: on the real servers, store and edge."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Deletion
from accounts.services.deletion import begin
from jobs import outbox
from jobs.tasks import registry
from jobs.testing import run_until_idle
from monitoring.traces import stems_of, traces_of
from photos import storage
from photos.models import Comment, Photo
from photos.services.proof import LeftBehindError
from photos.storage import keys
from sharding import photo_map, shard_of, shard_of_object
from tests.support.apns import a_device, a_push_service
from tests.support.people import a_person
from tests.support.store import photo_id, status, stem_of

JPEGS = dict.fromkeys((150, 306, 612, 1080), b"left behind")


def a_busy_photo(anna, ben, carl):
    """Return a photo that stands in every table, cache and list it can."""
    place = anna.get("/v1/locations/search", lat="48.85", lng="2.29")["data"]
    assert isinstance(place, list)
    for person in (anna, ben):
        a_device(person)
    ben.post(f"/v1/users/{anna.id}/bell")
    media = anna.upload(caption="#gone #soon", lat="48.85", lng="2.29", upload_id="tap-7", share_to="posterous")
    path = f"/v1/media/{media['id']}"
    for person in (ben, carl):
        person.post(f"{path}/likes")
    carl.delete(f"{path}/likes")
    ben.post(f"{path}/comments", text="stay")
    anna.post(f"{path}/comments", text="#never")
    comment = ben.post(f"{path}/comments", text="oh")["data"]
    ben.delete(f"{path}/comments/{comment['id']}")
    run_until_idle()
    ben.get(path)
    ben.get("/v1/users/self/feed")
    return media


@pytest.fixture
def people():
    anna, ben, carl = a_person(), a_person(), a_person()
    for person in (ben, carl):
        person.follow(anna)
    with a_push_service(PUSH_COALESCE_S=0.0):
        yield anna, ben, carl


def at_the_edge(media):
    return [status(image["url"]) for image in media["images"].values()]


def test_after_a_deletion_a_search_of_everything_finds_nothing(people):
    anna, ben, _ = people
    media = a_busy_photo(*people)
    number, stem = photo_id(media), stem_of(media)
    assert at_the_edge(media) == [200] * 3
    before = list(traces_of(number, [stem]))
    for where in ("photos_photo", "feeds_inbox", "photos_liked", "photos_tagged", "photos_incell", "photo map",
                  "push_post", "push_subject", "notifications_share", "fan_out_batch", "memcached",
                  "store: pub", "edge: "):  # fmt: skip
        assert any(where in place for place in before), (where, before)

    anna.delete(f"/v1/media/{media['id']}")
    run_until_idle()

    assert list(traces_of(number, [stem])) == []
    assert at_the_edge(media) == [404] * 3
    assert ben.get("/v1/users/self/feed")["data"] == []


def test_after_the_deletion_of_an_account_a_search_for_its_photos_finds_nothing(people):
    anna, *_ = people
    media = a_busy_photo(*people)
    number, stem = photo_id(media), stem_of(media)
    at_the_edge(media)
    anna.post("/v1/accounts/self", _method="DELETE", password="secret word")
    Deletion.objects.filter(user_id=anna.id).update(delete_after=timezone.now() - timedelta(seconds=1))
    begin(anna.id)
    run_until_idle()

    assert list(traces_of(number, [stem])) == []
    assert at_the_edge(media) == [404] * 3


def test_a_search_finds_a_private_photo_at_the_edge_and_its_original_and_nothing_after_its_deletion(people, settings):
    settings.ORIGINALS_KEEP = True
    anna, ben, _ = people
    anna.post("/v1/accounts/self", is_private="1")
    media = ben.get(f"/v1/media/{anna.upload()['id']}")["data"]
    number = photo_id(media)
    assert at_the_edge(media) == [200] * 3
    stems = stems_of(number)
    assert {storage.is_private(stem) for stem in stems} == {True, False}
    before = list(traces_of(number, stems))
    for where in ("store: prv", "store: org", "edge: "):
        assert any(where in place for place in before), (where, before)

    anna.delete(f"/v1/media/{media['id']}")
    run_until_idle()

    assert list(traces_of(number, stems)) == []
    assert stems_of(number) == set()
    assert at_the_edge(media) == [404] * 3


def test_what_a_fetch_under_way_put_back_is_found_by_the_proof_and_goes():
    stem = storage.store_renditions(JPEGS)
    url = storage.image_url(stem, 612)
    assert status(url) == 200
    storage.delete_renditions(stem)
    assert status(url) == 200  # the edge has it still

    with pytest.raises(LeftBehindError, match="0 objects and 1 copies"):
        registry["photos.purge"].run(stem=stem, proof=True)
    assert registry["photos.purge"].run(stem=stem, proof=True) is None
    assert status(url) == 404


def test_objects_that_came_late_are_found_by_the_proof_and_go():
    stem = storage.store_renditions(JPEGS, stem=storage.new_stem(private=True))

    with pytest.raises(LeftBehindError, match="4 objects"):
        registry["photos.purge"].run(stem=stem, proof=True)
    assert registry["photos.purge"].run(stem=stem, proof=True) is None


def test_rows_that_came_late_are_found_by_the_proof_and_go(people):
    anna, ben, _ = people
    media = anna.upload(caption="#late")
    number = photo_id(media)
    anna.delete(f"/v1/media/{media['id']}")
    run_until_idle()
    shard = shard_of_object(number)
    shard.model(Comment).objects.create(photo_id=number, owner_id=anna.id, author_id=ben.id, text="too late")
    photo_map.remember({number: anna.id})

    with pytest.raises(LeftBehindError, match="photos_comment, photo map"):
        registry["photos.erase_photo"].run(photo_id=number, facts={"tags": ["late"]})
    assert registry["photos.erase_photo"].run(photo_id=number, facts={"tags": ["late"]}) is None
    run_until_idle()
    assert list(traces_of(number, [])) == []


def test_a_photo_that_is_there_is_never_erased(people):
    media = a_busy_photo(*people)
    number = photo_id(media)

    registry["photos.erase_photo"].run(photo_id=number)
    with pytest.raises(LeftBehindError):
        registry["photos.erase_photo"].run(photo_id=number, facts={})

    assert people[1].get(f"/v1/media/{media['id']}")["data"]["likes"]["count"] == 1
    assert shard_of_object(number).model(Photo).objects.get(id=number).state == 0


def test_the_proof_comes_later_than_what_was_under_way_can_take(people):
    anna, *_ = people
    media = anna.upload()
    anna.delete(f"/v1/media/{media['id']}")
    server = shard_of(anna.id).server
    jobs = [
        job
        for job in outbox.jobs_of(server, tasks=["photos.purge"], most=500)
        if job.args["photo_id"] == photo_id(media)
    ]
    again = registry["photos.purge"].run(**jobs[0].args)

    assert again.changes == {"proof": True}
    assert again.delay_s >= 60 + 10
    assert registry["photos.erase_photo"].run(photo_id=photo_id(media)).delay_s >= 60 + 10


def test_what_was_to_go_later_goes_with_the_photo(people):
    anna, ben, _ = people
    anna.post("/v1/accounts/self", is_private="1")
    media = anna.upload()
    path = f"/v1/media/{media['id']}"
    ben.post(f"{path}/likes")
    ben.delete(f"{path}/likes")
    anna.post("/v1/accounts/self", is_private="0")
    moves = registry["photos.rehome"].run(author_id=anna.id).changes
    registry["photos.rehome"].run(author_id=anna.id, **moves)

    anna.delete(path)

    rows = outbox.rows_of(shard_of(anna.id).server)
    mine = [row for row in rows if row["args"].get("photo_id") == photo_id(media)]
    assert {"photos.drop_ended_like", "photos.purge"} <= {row["task"] for row in mine}
    assert len([row for row in mine if row["task"] == "photos.purge"]) == 2  # of the files it had, of those it has
    assert max(row["run_after"] for row in mine) <= timezone.now() + timedelta(seconds=75)
    run_until_idle()


def test_a_purge_waits_for_an_edge_that_is_away(settings):
    stem = storage.store_renditions(JPEGS)
    settings.CDN_PURGE_ADDRESSES = [*settings.CDN_PURGE_ADDRESSES, "127.0.0.1:9"]

    with pytest.raises(storage.EdgeUnavailable):
        registry["photos.purge"].run(stem=stem)
    assert storage.read_largest(stem) is None


def test_an_operator_can_search_for_a_photo_before_and_after(people, capsys):
    anna, *_ = people
    media = anna.upload()
    stem = stem_of(media)
    with pytest.raises(CommandError, match="traces"):
        call_command("traces", media["id"])
    assert f"and {stem}" in (said := capsys.readouterr().out)
    assert f"store: {keys.key(stem, 612)}" in said

    anna.delete(f"/v1/media/{media['id']}")
    run_until_idle()
    call_command("traces", media["id"], "--stem", stem)
    assert "nothing is left of it" in capsys.readouterr().out
