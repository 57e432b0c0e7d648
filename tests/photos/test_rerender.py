"""New renditions for photos that are there: on real shards and a real store."""

import io
import threading
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from jobs.testing import run_until_idle
from photos import storage
from photos.queries import body_of
from photos.services import ingest as ingesting
from photos.services import rerender
from photos.services.publish import delete_photo
from sharding import shard_of
from tests.support.people import a_person, a_photo
from tests.support.store import objects_of, receipt_row_of, row_of
from tests.support.store import unpublished as written_down


@pytest.fixture
def anna():
    return a_person()


def photo_id(media: dict[str, Any]) -> int:
    return int(media["id"].split("_")[0])


def run(**options: Any) -> str:
    said = io.StringIO()
    call_command("rerender", stdout=said, **options)
    return said.getvalue()


def test_a_photo_without_an_original_is_made_of_its_largest_rendition(anna):
    media = anna.upload()
    old = row_of(media).image_stem

    assert run(photo=[media["id"]]) == (
        "1 photos got new renditions: 0 of their originals, 1 of their largest renditions\n"
    )

    new = row_of(media).image_stem
    assert new != old
    assert body_of(photo_id(media)).image_stem == new
    assert len(objects_of(new)) == 4
    assert new in anna.get(f"/v1/media/{media['id']}")["data"]["images"]["thumbnail"]["url"]
    receipt = anna.get(f"/v1/media/{media['id']}/receipt")["data"]
    assert receipt["rerendered"]["from"] == "rendition"
    assert receipt["received"]["width"] == 640
    assert written_down(anna) == []
    run_until_idle()  # the grace is over
    assert objects_of(old) == set()


def test_a_photo_whose_original_was_kept_is_made_of_that_with_its_look(anna, settings):
    settings.ORIGINALS_KEEP = True
    image = a_photo(width=1400, height=1400)
    media = anna.upload(image, filter="Inkwell", filtered="0")
    first = receipt_row_of(media)

    run(photo=[media["id"]])

    again = receipt_row_of(media)
    assert again.rerendered["from"] == "original"
    assert again.renditions == first.renditions
    run_until_idle()
    assert storage.read_original(again.original_stem) == image


def test_all_photos_of_a_person_are_done(anna):
    old = {row_of(anna.upload()).image_stem for _ in range(3)}

    assert run(user=anna.id).startswith("3 photos got")

    photos = anna.get("/v1/users/self/media/recent")["data"]
    assert len({row_of(media).image_stem for media in photos} - old) == 3


def test_a_dry_run_changes_nothing(anna):
    media = anna.upload()
    old = row_of(media)

    assert run(user=anna.id, dry_run=True).startswith("1 photos would get new renditions")

    assert row_of(media) == old
    assert row_of(media).image_stem == old.image_stem


class Stopped(BaseException):
    """What ends a process here and now."""


def test_a_run_that_is_killed_at_any_moment_leaves_nothing_and_goes_on_where_it_was(anna, monkeypatch):
    shard = shard_of(anna.id)
    run(shard=[shard.number])
    photos = [anna.upload() for _ in range(3)]
    stems = [row_of(media).image_stem for media in photos]
    put, calls = storage.store_renditions, []

    def put_and_die(*args: Any, **options: Any) -> Any:
        done = put(*args, **options)
        calls.append(done)
        if options["stem"] and row_of(photos[0]).image_stem != stems[0]:
            raise Stopped  # the second of ours: its objects are stored, its row is not swapped
        return done

    monkeypatch.setattr(ingesting.storage, "store_renditions", put_and_die)
    with pytest.raises(Stopped):
        run(shard=[shard.number])
    monkeypatch.undo()

    assert [row_of(media).image_stem != stem for media, stem in zip(photos, stems, strict=True)] == [True, False, False]
    assert [stem for stem, _ in written_down(anna)] == [calls[-1]]
    assert run(shard=[shard.number]).startswith("2 photos got")
    assert rerender.begin(shard).after_id == 0


def test_a_photo_that_is_deleted_meanwhile_stays_deleted(anna, monkeypatch):
    media = anna.upload()
    old = row_of(media).image_stem
    read, made = storage.read_largest, []
    put = storage.store_renditions

    def read_while_it_is_deleted(stem: str) -> bytes | None:
        found = read(stem)
        deleting = threading.Thread(target=lambda: delete_photo(user_id=anna.id, photo_id=photo_id(media)))
        deleting.start()
        deleting.join()
        return found

    def noted(*args: Any, **options: Any) -> Any:
        made.append(options["stem"])
        return put(*args, **options)

    monkeypatch.setattr(rerender.storage, "read_largest", read_while_it_is_deleted)
    monkeypatch.setattr(ingesting.storage, "store_renditions", noted)
    run(photo=[media["id"]])
    monkeypatch.undo()
    run_until_idle()

    assert [objects_of(stem) for stem in (old, *made)] == [set(), set()]
    assert written_down(anna) == []


def test_a_photo_without_a_file_is_named_and_stops_no_other(anna):
    lost, well = anna.upload(), anna.upload()
    storage.delete_renditions(row_of(lost).image_stem)

    with pytest.raises(CommandError, match=f"{photo_id(lost)}: no file of it") as told:
        run(user=anna.id)

    assert told.value.returncode == 1
    assert receipt_row_of(well).rerendered is not None


def test_a_photo_that_no_helper_process_decodes_in_time_is_named(anna, settings):
    media = anna.upload()
    settings.IMAGE_WAIT_S = 0.0

    with pytest.raises(CommandError, match=f"{photo_id(media)}: ") as told:
        run(photo=[media["id"]])

    assert told.value.returncode == 1
    assert len(objects_of(row_of(media).image_stem)) == 4
    assert written_down(anna) == []


@pytest.mark.parametrize("options", [{"since": "yesterday"}, {"shard": [9_999]}, {"photo": ["x"]}])
def test_wrong_arguments_are_told(options):
    with pytest.raises(CommandError) as told:
        run(**options)
    assert told.value.returncode == 2


def test_a_photo_whose_owner_goes_private_meanwhile_ends_up_private(anna, monkeypatch):
    media = anna.upload()
    old = row_of(media).image_stem
    read = storage.read_largest

    def read_while_it_is_moved(stem: str) -> bytes | None:
        monkeypatch.undo()
        found = read(stem)
        anna.post("/v1/accounts/self", is_private="1")
        run_until_idle()
        return found

    monkeypatch.setattr(rerender.storage, "read_largest", read_while_it_is_moved)
    run(photo=[media["id"]])
    run_until_idle()

    stem = row_of(media).image_stem
    assert storage.is_private(stem)
    assert (len(objects_of(stem)), objects_of(old), written_down(anna)) == (4, set(), [])
    assert receipt_row_of(media).rerendered is not None


def test_ctrl_c_says_how_to_go_on(anna, monkeypatch):
    media = anna.upload()

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rerender, "rerender", interrupted)
    with pytest.raises(CommandError, match=r"Interrupted\. Run it again to go on") as told:
        run(photo=[media["id"]])
    assert told.value.returncode == 130
