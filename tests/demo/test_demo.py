"""The demo as an operator loads it, into the databases of the tests, by real processes and services."""

import json
import os
import secrets
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import pyvips
from django.conf import settings
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts.models import Following, User
from accounts.queries import counts_of, follows_page
from backoffice.models import Entry
from backoffice.sharded.reading import Span, deeds_of_person
from demo import errands, people, sources
from jobs.testing import run_until_idle
from moderation.models import Case, Decision
from notifications.push import bells
from notifications.push.models import Device
from photos.models import Comment, Like
from photos.queries import photos_by
from sharding import all_servers, counters, shard_of, shard_of_object

PHOTOS = 40
found = sources.find


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of three small pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, colour in (("sunset", [220, 120, 60]), ("flower", [200, 60, 120]), ("plain", [90, 120, 160])):
        noise = pyvips.Image.gaussnoise(400, 300, mean=0, sigma=30)
        (noise + colour).cast("uchar").copy(interpretation="srgb").jpegsave(str(folder / f"{name}.jpg"))
    return folder


@pytest.fixture
def fresh_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """People that nobody has met, and a state directory of this test's own; returns the logins' file."""
    suffix = secrets.token_hex(4)
    logins = tuple(replace(person, username=f"{person.username}{suffix}") for person in people.LOGINS)
    monkeypatch.setattr(people, "LOGINS", logins)
    # Whatever the seed: the demos of other tests stand in the same databases.
    there = frozenset(User.objects.values_list("username", flat=True))
    monkeypatch.setattr(sources, "find", lambda wanted: replace(found(wanted), reserved_usernames=there))
    monkeypatch.setattr(settings, "STATE_DIR", tmp_path / "state")
    # What other tests left in the outboxes is no job of the demo.
    run_until_idle()
    return tmp_path / "state" / f"demo{settings.DB_SUFFIX}.json"


def load(pictures: Path, *more: str) -> None:
    seed = str(secrets.randbelow(10**9))
    arguments = ["--users", "8", "--photos", str(PHOTOS), "--seed", seed, "--source", str(pictures), "--processes", "2"]
    call_command("demo", *arguments, "--run-jobs", *more)


@pytest.mark.parametrize("way", [[], ["--bulk"]])
def test_each_login_reads_a_feed_of_photos_by_people_they_follow(
    pictures: Path, fresh_demo: Path, way: list[str]
) -> None:
    load(pictures, *way)

    logins = json.loads(fresh_demo.read_text())["logins"]
    assert len(logins) == 2
    for login in logins:
        answer = APIClient().get("/v1/users/self/feed", {"access_token": login["access_token"], "count": "20"}).json()
        assert len(answer["data"]) == 20
        ids = [int(photo["id"].partition("_")[0]) for photo in answer["data"]]
        assert ids == sorted(ids, reverse=True)
        viewer = User.objects.get(username=login["username"])
        followed = set(User.objects.filter(pk__in=follows_page(viewer.pk, cursor=None, count=100).user_ids))
        authors = {photo["user"]["username"] for photo in answer["data"]}
        assert authors <= {person.username for person in followed} | {viewer.username}
        assert len(authors) > 2


@pytest.mark.parametrize("way", [[], ["--bulk"]])
def test_the_numbers_shown_equal_the_rows_behind_them(pictures: Path, fresh_demo: Path, way: list[str]) -> None:
    load(pictures, *way)

    anna = User.objects.get(username=people.LOGINS[0].username)
    assert counts_of(anna.pk)["media"] == len(photos_by(anna.pk, count=100)) > 0
    for photo_id in photos_by(anna.pk, count=100):
        shard = shard_of_object(photo_id)
        counted = counters.read(shard, [counters.PHOTO_LIKES, counters.PHOTO_COMMENTS], [photo_id])
        with shard.cursor() as cursor:
            for kind, table in ((counters.PHOTO_LIKES, "photos_like"), (counters.PHOTO_COMMENTS, "photos_comment")):
                cursor.execute(f"SELECT count(*) FROM {shard.schema}.{table} WHERE photo_id = %s", [photo_id])
                assert counted[kind, photo_id] == cursor.fetchone()[0]


@pytest.mark.parametrize("way", [[], ["--bulk"]])
def test_what_people_did_is_noted_for_their_followers_and_the_admins_lists(
    pictures: Path, fresh_demo: Path, way: list[str]
) -> None:
    there = set(User.objects.values_list("pk", flat=True))
    load(pictures, *way)

    everybody = User.objects.exclude(pk__in=there).values_list("pk", flat=True)
    made: dict[str, set[int]] = {"like": set(), "comment": set(), "follow": set()}
    for user_id in everybody:
        shard = shard_of(user_id)
        follows = shard.model(Following).objects.filter(follower_id=user_id, status="follows")
        made["follow"] |= set(follows.values_list("version", flat=True))
        made["like"] |= set(shard.model(Like).objects.filter(owner_id=user_id).values_list("id", flat=True))
        made["comment"] |= set(shard.model(Comment).objects.filter(owner_id=user_id).values_list("id", flat=True))
    assert all(made.values())
    for kind, ids in made.items():
        noted = [row for user_id in everybody for row in deeds_of_person(kind, user_id, Span(count=1_000)).rows]
        assert {row.id for row in noted} == ids


@pytest.mark.parametrize("way", [[], ["--bulk"]])
def test_a_moderator_finds_reports_a_decision_and_a_copy_of_what_was_removed(
    pictures: Path, fresh_demo: Path, way: list[str]
) -> None:
    there, decided = set(Case.objects.values_list("pk", flat=True)), Decision.objects.count()
    load(pictures, *way)

    cases = Case.objects.exclude(pk__in=there)
    open_ones = [case for case in cases if case.closed_at is None]
    assert {case.kind for case in open_ones} >= {"media", "user"}
    assert len({reason for case in open_ones for reason in case.reasons}) >= 4
    assert sum(case.reporters for case in open_ones) >= 8
    assert max(case.reporters for case in open_ones) == 2
    found_by = [flag["source"] for case in open_ones for flag in case.flags]
    assert "look_alike" in found_by
    assert Decision.objects.count() == decided + 1
    removed = Decision.objects.latest("pk")
    assert (removed.verdict, removed.moderator.username, removed.undone_at) == ("remove", "moderator", None)
    assert Entry.objects.filter(act="reports.decide", actor_name="moderator", target_id=removed.target_id).count() == 1


def test_a_second_run_changes_nothing(pictures: Path, fresh_demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(pictures)
    before = fresh_demo.read_bytes(), User.objects.count()
    capsys.readouterr()

    load(pictures)

    assert (fresh_demo.read_bytes(), User.objects.count()) == before
    assert "there already" in capsys.readouterr().out


def test_an_interrupted_load_is_taken_up_without_doubles(
    pictures: Path, fresh_demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["demo", "--users", "6", "--photos", "12", "--seed", str(secrets.randbelow(10**9))]
    arguments += ["--source", str(pictures), "--processes", "2", "--run-jobs"]
    call_command(*arguments)
    people_before = User.objects.count()
    anna = User.objects.get(username=people.LOGINS[0].username)
    photos_before = photos_by(anna.pk, count=100)
    fresh_demo.unlink()  # written last: without it the load did not come to its end

    call_command(*arguments)

    assert User.objects.count() == people_before
    assert photos_by(anna.pk, count=100) == photos_before
    assert fresh_demo.exists()


def test_the_logins_are_for_the_owner_alone(pictures: Path, fresh_demo: Path) -> None:
    load(pictures)

    assert fresh_demo.stat().st_mode & 0o777 == 0o600


def test_each_login_has_a_phone_until_it_signs_out_and_the_second_has_the_bell_on_for_the_first(
    pictures: Path, fresh_demo: Path
) -> None:
    load(pictures)
    told = json.loads(fresh_demo.read_text())["logins"]
    anna, ben = (User.objects.get(username=login["username"]) for login in told)

    phones = Device.objects.filter(user__in=[anna, ben]).order_by("pk")
    assert [phone.user_id for phone in phones] == [anna.pk, ben.pk]
    assert bells.turned_on(ben.pk) == [anna.pk]
    APIClient().post("/v1/accounts/logout", {"access_token": told[1]["access_token"]})
    assert not Device.objects.filter(user=ben).exists()


def test_no_job_is_left_when_the_demo_is_ready(pictures: Path, fresh_demo: Path) -> None:
    load(pictures)

    for server in all_servers():
        with server.cursor() as cursor:
            cursor.execute("SELECT task FROM local.outbox WHERE run_after < now() + interval '2 minutes'")
            assert cursor.fetchall() == []


def test_a_stranger_who_has_a_name_of_the_demo_is_left_alone(
    pictures: Path, fresh_demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = people.LOGINS[0].username
    stranger = User.objects.create(username=name, email=f"{name}@example.com", password="!")

    with pytest.raises(errands.NameTaken):
        errands.sign_up([people.LOGINS[0]])

    stranger.refresh_from_db()
    assert stranger.password == "!"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--users", "2"], "--users: at least 3"),
        (["--photos", "-1"], "--photos: at least 0"),
        (["--processes", "0"], "--processes: at least 1"),
        (["--users", "many"], "invalid int value"),
        (["--source", "/nowhere"], "/nowhere is no folder"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_bad_arguments_end_with_one_sentence_and_exit_code_2(arguments: list[str], sentence: str) -> None:
    result = subprocess.run(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "instagram.settings.test"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_production_has_no_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DEMO_ALLOWED", False)

    with pytest.raises(Exception, match="known to everybody"):
        call_command("demo")
