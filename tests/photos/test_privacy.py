"""Photos of private accounts: under names of their own, by addresses that end; moved when the account turns."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client

from accounts.models import User
from jobs import outbox
from jobs.tasks import Again, registry
from jobs.testing import run_until_idle
from photos import storage
from photos.models import Photo
from photos.services import privacy
from photos.storage import keys, store
from sharding import main_server, shard_of
from tests.support.people import a_person, a_photo
from tests.support.store import objects_of, photo_id, status, stem_of
from tests.support.waiting import wait_until


#: What kills a process in the middle of a batch, for the code around it.
class Killed(BaseException):
    pass


def turn(person, *, private: bool) -> None:
    person.post("/v1/accounts/self", is_private="1" if private else "0")


def shown(person, media):
    """Return the photo's address as the API says it now."""
    return person.get(f"/v1/media/{media['id']}")["data"]["images"]["standard_resolution"]["url"]


def rehome(person, **arguments):
    """Run one batch of the job, as a worker would."""
    return registry["photos.rehome"].run(author_id=person.id, **arguments)


def in_the_store() -> set[str]:
    return {each.key for area in ("pub/", "prv/") for page in store.found_below(area) for each in page}


def stems_of(person) -> list[str]:
    photos = shard_of(person.id).model(Photo).objects.filter(author_id=person.id, state=0)
    return list(photos.values_list("image_stem", flat=True))


@pytest.fixture
def tidy():
    """Prove that the store has gained exactly the renditions of the photos that are there, nothing else."""
    run_until_idle()
    before, people = in_the_store(), []

    yield people.append

    run_until_idle()
    named = {key for person in people for stem in stems_of(person) for key in keys.keys_of(stem)}
    assert in_the_store() - before == named


def test_an_account_that_goes_private_gets_new_names_and_the_old_ones_are_gone_everywhere(tidy):
    anna, ben = a_person(), a_person()
    tidy(anna)
    ben.follow(anna)
    photos = [anna.upload() for _ in range(3)]
    old = {media["id"]: (stem_of(media), shown(ben, media)) for media in photos}
    assert [status(url) for _, url in old.values()] == [200] * 3

    turn(anna, private=True)
    run_until_idle()

    for media in photos:
        old_stem, old_url = old[media["id"]]
        url = shown(ben, media)
        assert objects_of(old_stem) == set()
        assert status(old_url) == 404
        assert storage.is_private(stem_of(media))
        assert keys.folder(stem_of(media))[7:] != old_stem
        assert status(url) == 200
        assert status(url.partition("?")[0]) == 403
        assert set(ben.get(f"/v1/media/{media['id']}")["data"]["images"]["thumbnail"]) == {"url", "width", "height"}


def test_what_a_private_account_uploads_never_has_a_public_name(tidy):
    anna = a_person()
    tidy(anna)
    turn(anna, private=True)
    media = anna.upload()

    assert urlsplit(media["images"]["thumbnail"]["url"]).path.startswith("/test/prv/")
    assert objects_of(stem_of(media)) == set(keys.keys_of(stem_of(media)))
    assert status(media["images"]["thumbnail"]["url"]) == 200


def test_an_account_that_goes_public_again_gets_plain_addresses(tidy):
    anna = a_person()
    tidy(anna)
    turn(anna, private=True)
    media = anna.upload()
    old = shown(anna, media)
    turn(anna, private=False)
    assert status(old) == 200
    run_until_idle()

    url = shown(anna, media)
    assert "?" not in url
    assert (status(url), status(old)) == (200, 404)


def test_signed_addresses_live_on_until_they_end_when_an_account_goes_public():
    anna = a_person()
    turn(anna, private=True)
    anna.upload()
    turn(anna, private=False)
    again = rehome(anna)
    rehome(anna, **again.changes)

    purges = [row for row in outbox.rows_of(shard_of(anna.id).server, task="photos.purge") if row["step"] == 0]
    mine = [row for row in purges if row["args"]["stem"] == again.changes["moves"][0][1]]
    assert [(row["run_after"] - row["created_at"]).seconds for row in mine] == [pytest.approx(3600, abs=5)]


def test_an_upload_that_began_before_the_switch_is_found_by_the_second_look(tidy, monkeypatch):
    anna = a_person()
    tidy(anna)
    turn(anna, private=True)
    assert [row["args"] for row in delayed_looks(anna)] == [{"author_id": anna.id}]
    monkeypatch.setattr(privacy, "is_private", lambda _: False)
    media = anna.upload()
    assert not storage.is_private(stem_of(media))
    run_until_idle()

    assert storage.is_private(stem_of(media))


def delayed_looks(person):
    rows = outbox.rows_of(main_server(), task="photos.rehome")
    mine = [row for row in rows if row["args"]["author_id"] == person.id]
    return [row for row in mine if (row["run_after"] - row["created_at"]).seconds > 120]


def test_turning_to_and_fro_ends_where_the_account_ended(tidy):
    anna = a_person()
    tidy(anna)
    media = anna.upload()
    turn(anna, private=True)
    first = rehome(anna)
    turn(anna, private=False)
    assert rehome(anna) is None  # the way back looks before the way there was gone
    assert rehome(anna, **first.changes) is None
    assert storage.is_private(stem_of(media))
    run_until_idle()

    assert not storage.is_private(stem_of(media))
    assert status(shown(anna, media)) == 200


@pytest.mark.parametrize("copies", [0, 1, 3])
def test_a_batch_that_was_killed_is_repeated_under_the_same_names(tidy, monkeypatch, copies):
    anna = a_person()
    tidy(anna)
    media = anna.upload()
    turn(anna, private=True)
    batch = rehome(anna).changes
    copy, left = storage.client().copy_object, iter(range(copies))

    def killed_after_some(**arguments):
        if next(left, None) is None:
            raise Killed
        return copy(**arguments)

    with monkeypatch.context() as patched:
        patched.setattr(storage.client(), "copy_object", killed_after_some)
        with pytest.raises(Killed):
            rehome(anna, **batch)
    assert rehome(anna, **batch) is None

    assert stem_of(media) == batch["moves"][0][2]
    assert status(shown(anna, media)) == 200


def test_a_photo_that_is_deleted_while_it_is_moved_leaves_nothing(tidy):
    anna = a_person()
    tidy(anna)
    media, kept = anna.upload(), anna.upload()
    turn(anna, private=True)
    batch = rehome(anna).changes
    anna.delete(f"/v1/media/{media['id']}")
    rehome(anna, **batch)
    run_until_idle()

    for number, old, new in batch["moves"]:
        assert objects_of(old) == set()
        assert objects_of(new) == (set() if number == photo_id(media) else set(keys.keys_of(stem_of(kept))))


def test_a_photo_deleted_between_copy_and_commit_leaves_nothing(tidy, monkeypatch):
    anna = a_person()
    tidy(anna)
    media = anna.upload()
    turn(anna, private=True)
    batch = rehome(anna).changes
    copy = storage.copy_renditions

    def copied_then_deleted(old, new):
        copy(old, new)
        anna.delete(f"/v1/media/{media['id']}")

    monkeypatch.setattr(storage, "copy_renditions", copied_then_deleted)
    rehome(anna, **batch)
    run_until_idle()

    assert [objects_of(old) | objects_of(new) for _, old, new in batch["moves"]] == [set()]


def test_a_worker_that_is_killed_leaves_nothing_that_another_does_not_take_up(tidy):
    anna = a_person()
    tidy(anna)
    number, first = 60, stem_of(anna.upload())
    for _ in range(number - 1):
        stem = storage.new_stem()
        storage.copy_renditions(first, stem)
        shard_of(anna.id).model(Photo).objects.create(author_id=anna.id, image_stem=stem)
    turn(anna, private=True)

    def moved() -> int:
        return sum(map(storage.is_private, stems_of(anna)))

    worker = subprocess.Popen([sys.executable, "manage.py", "worker", "--queue", "network"], cwd=settings.BASE_DIR)
    try:
        wait_until(lambda: moved() > 10, seconds=60, what="a batch is under way")
    finally:
        worker.kill()  # SIGKILL
        worker.wait()
    assert moved() < number
    run_until_idle()

    assert moved() == number


def test_two_workers_at_the_same_batch_harm_nothing(tidy):
    anna = a_person()
    tidy(anna)
    photos = [anna.upload() for _ in range(4)]
    turn(anna, private=True)
    batch = rehome(anna).changes

    def work(_):
        try:
            rehome(anna, **batch)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    run_until_idle()

    assert [status(shown(anna, media)) for media in photos] == [200] * 4


def test_a_batch_goes_on_after_the_photos_of_the_one_before(tidy, monkeypatch):
    monkeypatch.setattr(privacy, "BATCH", 2)
    anna = a_person()
    tidy(anna)
    photos = sorted(photo_id(anna.upload()) for _ in range(5))
    turn(anna, private=True)

    seen, arguments = [], {}
    while isinstance(again := rehome(anna, **arguments), Again):
        arguments = again.changes
        seen.append([number for number, _, _ in arguments["moves"]])

    assert seen == [photos[:2], photos[2:4], photos[4:]]


def test_the_picture_of_a_private_account_stays_public():
    anna, stranger = a_person(), a_person()
    anna.post("/v1/accounts/self", picture=SimpleUploadedFile("me.jpg", a_photo()), is_private="1")
    run_until_idle()

    found = stranger.get("/v1/users/search", q=anna.username)["data"]
    assert [person["id"] for person in found] == [str(anna.id)]
    assert "?" not in found[0]["profile_picture"]
    assert status(found[0]["profile_picture"]) == 200


def test_doors_without_a_credential_say_no_address_of_a_private_photo():
    anna = a_person()
    media = anna.upload()
    code = media["link"].rstrip("/").rpartition("/")[2]
    assert Client().get(f"/p/{code}/media/").status_code == 302
    turn(anna, private=True)
    run_until_idle()

    for path in (f"/p/{code}/media/", f"/p/{code}/", f"/oembed?url={media['link']}"):
        answer = Client().get(path)
        assert answer.status_code == 404
        assert b"prv/" not in answer.content


def test_an_account_that_is_gone_has_nothing_to_move():
    assert not User.objects.filter(pk=987_654_321).exists()
    assert privacy.rehome(987_654_321, after=0, moves=()) is None
