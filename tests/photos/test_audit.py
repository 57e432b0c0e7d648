"""The audit of the store: what is missing, altered, nobody's; repaired, resumed, and never a false word.

The tests' databases and bucket hold what other tests left, so each test looks at its own objects alone.
"""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from accounts.models import Export, User
from jobs.testing import run_until_idle
from photos import storage
from photos.management.commands import audit_storage
from photos.services import pending
from photos.services.audit import compared, expected, mended
from photos.services.audit.ledger import Ledger, LedgerInUseError
from photos.storage import keys, store
from sharding import ShardUnavailable, physical_servers, shard_of, shards_on
from tests.support.people import a_person, a_photo
from tests.support.store import objects_of, photo_id, receipt_row_of, status, stem_of


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    """An audit to which everything is old enough to be an orphan."""
    monkeypatch.setattr(compared, "ORPHAN_AGE", timedelta(days=-1))
    with a_ledger(tmp_path) as ledger:
        yield ledger


@contextmanager
def a_ledger(folder, *, deep=False):
    with Ledger(folder / "audit.sqlite3", store="test", deep=deep) as ledger:
        yield ledger


def collect(ledger) -> None:
    expected.expect_waiting(ledger, "before")
    for server in physical_servers():
        for shard in shards_on(server):
            expected.expect_shard(ledger, shard)
    expected.expect_people(ledger)
    expected.expect_waiting(ledger, "after")


def judge(ledger, *, deep=False) -> None:
    for area in compared.AREAS:
        list(compared.compare_area(ledger, area, deep=deep))
    compared.judge_missing(ledger)


def audited(ledger, *wanted, deep=False):
    """Audit everything; return {key: what} of the wanted keys."""
    collect(ledger)
    judge(ledger, deep=deep)
    return {each.key: each.what for each in ledger.findings() if each.key in wanted}


def mend(ledger, *wanted) -> None:
    mended.mend(ledger, [each for each in ledger.findings() if each.key in wanted])


def overwrite(key, content=b"not what was stored") -> None:
    storage.client().put_object(Bucket=settings.S3_BUCKET, Key=key, Body=content)


@pytest.fixture
def originals_kept(settings):
    settings.ORIGINALS_KEEP = True


def test_nothing_that_belongs_there_is_a_finding(ledger, originals_kept):
    anna, ben = a_person(), a_person()
    public = anna.upload()
    ben.post("/v1/accounts/self", is_private="1", picture=SimpleUploadedFile("me.jpg", a_photo()))
    private = ben.upload()
    waiting = pending.hold(author_id=anna.id, image=a_photo(), upload_id="later")
    stem = pending.find(shard_of(anna.id), anna.id, waiting.upload_id)
    deleted = anna.upload()
    deleted_stem = stem_of(deleted)
    anna.delete(f"/v1/media/{deleted['id']}")  # its jobs have not run
    archive = User.objects.get(pk=anna.id).export_set.create(key="prv/exports/" + "a" * 32 + ".zip", state="ready")
    overwrite(archive.key)

    theirs = [stem_of(public), stem_of(private), stem.stem, deleted_stem, User.objects.get(pk=ben.id).picture]
    objects = {key for each in theirs for key in objects_of(each)} | {
        archive.key,
        keys.original_key(stem.original_stem),
    }
    objects |= {keys.original_key(receipt_row_of(media).original_stem) for media in (public, private)}
    assert len(objects) == 4 * 4 + 3 + 4
    assert audited(ledger, *objects) == {}
    Export.objects.filter(pk=archive.pk).delete()
    run_until_idle()


@pytest.mark.parametrize("lost", [[150], [1080], [1080, 612, 306]])
def test_missing_renditions_are_found_and_made_anew_of_what_is_there(ledger, lost):
    anna = a_person()
    media = anna.upload()
    gone = [keys.key(stem_of(media), side) for side in lost]
    storage.delete_keys(gone)

    assert audited(ledger, *gone) == dict.fromkeys(gone, "missing")
    mend(ledger, *gone)

    assert len(objects_of(stem_of(media))) == 4
    assert not {*gone} & {each.key for each in ledger.findings()}
    assert status(anna.get(f"/v1/media/{media['id']}")["data"]["images"]["thumbnail"]["url"]) == 200


@pytest.mark.parametrize("deep", [False, True])
def test_an_altered_rendition_is_found_and_replaced_by_one_made_of_what_is_well(ledger, deep):
    media = a_person().upload()
    altered = keys.key(stem_of(media), 1080)
    overwrite(altered)

    assert audited(ledger, altered, deep=deep) == {altered: "altered"}
    mend(ledger, altered)

    assert altered not in objects_of(stem_of(media))
    assert storage.read_largest(stem_of(media)).startswith(b"\xff\xd8")


def test_what_has_neither_original_nor_rendition_that_is_well_is_left_alone(ledger):
    media = a_person().upload()
    all_four = keys.keys_of(stem_of(media))
    for key in all_four:
        overwrite(key)

    assert audited(ledger, *all_four) == dict.fromkeys(all_four, "altered")
    mend(ledger, *all_four)

    assert sorted(objects_of(stem_of(media))) == all_four
    assert {*all_four} <= {each.key for each in ledger.findings()}


def test_everything_is_made_anew_of_the_original_where_there_is_one(ledger, originals_kept):
    media = a_person().upload()
    all_four = keys.keys_of(stem_of(media))
    storage.delete_keys(all_four)

    assert audited(ledger, *all_four) == dict.fromkeys(all_four, "missing")
    mend(ledger, *all_four)

    assert len(objects_of(stem_of(media))) == 4


def test_a_lost_original_is_said_to_be_lost_and_counts_no_more(ledger, originals_kept):
    anna = a_person()
    media = anna.upload()
    original = keys.original_key(receipt_row_of(media).original_stem)
    storage.delete_keys([original])

    assert audited(ledger, original) == {original: "missing"}
    mend(ledger, original)

    receipt = anna.get(f"/v1/media/{media['id']}/receipt")["data"]
    assert receipt["original"] == "lost"
    assert original not in {each.key for each in ledger.findings()}


def test_an_altered_original_is_found_by_its_size_or_by_reading_it(tmp_path, originals_kept):
    media = a_person().upload()
    original = keys.original_key(receipt_row_of(media).original_stem)
    content = store.read(original)
    overwrite(original, content[::-1])
    with a_ledger(tmp_path) as ledger:
        assert audited(ledger, original) == {}
    with a_ledger(tmp_path, deep=True) as ledger:
        assert audited(ledger, original, deep=True) == {original: "altered"}
        mend(ledger, original)
        assert original in {each.key for each in ledger.findings()}
    overwrite(original)
    with a_ledger(tmp_path) as ledger:
        assert audited(ledger, original) == {original: "altered"}


def test_objects_of_nobody_are_found_once_they_are_an_hour_old_and_go_from_store_and_edge(tmp_path, monkeypatch):
    stem = storage.store_renditions(dict.fromkeys((150, 306, 612, 1080), b"nobody's"))
    original = storage.new_stem()
    storage.store_original(original, b"nobody's")
    orphans = [*keys.keys_of(stem), keys.original_key(original)]
    assert status(storage.image_url(stem, 612)) == 200
    with a_ledger(tmp_path) as ledger:
        assert audited(ledger, *orphans) == {}
        ledger.remove()

    monkeypatch.setattr(compared, "ORPHAN_AGE", timedelta(days=-1))
    with a_ledger(tmp_path) as ledger:
        assert audited(ledger, *orphans) == dict.fromkeys(orphans, "orphaned")
        mend(ledger, *orphans)
    assert objects_of(stem) | objects_of(original) == set()
    assert status(storage.image_url(stem, 612)) == 404


def test_a_lost_profile_picture_is_none(ledger):
    anna = a_person()
    anna.post("/v1/accounts/self", picture=SimpleUploadedFile("me.jpg", a_photo()))
    lost = keys.key(User.objects.get(pk=anna.id).picture, 150)
    storage.delete_keys([lost])

    assert audited(ledger, lost) == {lost: "missing"}
    mend(ledger, lost)
    assert User.objects.get(pk=anna.id).picture == ""


def test_what_is_deleted_or_moved_while_the_audit_runs_is_no_finding(ledger):
    anna, ben = a_person(), a_person()
    deleted, moved = anna.upload(), ben.upload()
    theirs = [*keys.keys_of(stem_of(deleted)), *keys.keys_of(stem_of(moved))]
    collect(ledger)
    anna.delete(f"/v1/media/{deleted['id']}")
    ben.post("/v1/accounts/self", is_private="1")
    run_until_idle()
    judge(ledger)

    assert not {*theirs} & {each.key for each in ledger.findings()}


def test_an_audit_that_was_killed_goes_on_where_it_was(tmp_path, monkeypatch):
    media = [a_person().upload() for _ in range(3)]
    gone = [keys.key(stem_of(each), 306) for each in media]
    storage.delete_keys(gone)
    monkeypatch.setattr(store, "KEYS_AT_ONCE", 50)

    with a_ledger(tmp_path) as ledger:
        collect(ledger)
        pages = compared.compare_area(ledger, "pub", deep=False)
        next(pages)
        reached, objects = ledger.past("store pub"), ledger.tally()["objects"]
        assert (ledger.resumed, objects) == (False, 50)
        with pytest.raises(LedgerInUseError), a_ledger(tmp_path):
            pass
    listed = []
    walk = store.found_below
    monkeypatch.setattr(
        store, "found_below", lambda prefix, after="": (listed.append(after), walk(prefix, after=after))[1]
    )
    with a_ledger(tmp_path) as ledger:
        assert ledger.resumed
        assert audited(ledger, *gone) == dict.fromkeys(gone, "missing")
    assert listed[0] == reached


def test_the_command_reports_and_changes_nothing_until_it_is_told_to(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(audit_storage, "_NAMED", 1_000_000)
    media = a_person().upload()
    gone = keys.key(stem_of(media), 306)
    storage.delete_keys([gone])

    with pytest.raises(CommandError, match="--fix") as refused:
        call_command("audit_storage", ledger=tmp_path / "a")

    assert refused.value.returncode == 1
    assert f"missing: {gone} of photo {photo_id(media)}" in capsys.readouterr().out
    assert len(objects_of(stem_of(media))) == 3
    assert not (tmp_path / "a").exists()


def test_with_a_server_away_nothing_is_judged_and_the_audit_can_go_on(tmp_path, monkeypatch):
    def away(*_):
        raise ShardUnavailable("shard_a")

    monkeypatch.setattr(expected, "expect_shard", away)
    with pytest.raises(CommandError, match="shard_a is away"):
        call_command("audit_storage", fix=True, ledger=tmp_path / "a")

    assert (tmp_path / "a").exists()


def test_an_original_kept_without_its_metadata_is_well_when_everything_is_read(tmp_path, originals_kept, settings):
    settings.ORIGINALS_STRIP = True
    original = keys.original_key(receipt_row_of(a_person().upload()).original_stem)

    with a_ledger(tmp_path, deep=True) as ledger:
        assert audited(ledger, original, deep=True) == {}
