"""Backups of a data centre of the tests' own, drills and restores of it: real servers, real files, real moments."""

import hashlib
import hmac
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
import requests
from django.conf import settings

from tests.faults import FEED, Person, ask, body_of, photo_ids_in, sign_up
from tests.support.private import PrivateStack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

#: First port of copies in the private data centre, beside its own.
COPIES = 17490
#: Seconds for a verb on a machine that does many other things.
LONG_S = 600


@dataclass
class Town:
    """Two people, one on each shard server, who follow each other; what they did before and after the moment."""

    stack: PrivateStack
    here: Person
    far: Person
    moment: str = ""
    before: list[int] = field(default_factory=list)
    #: Posted before, deleted after.
    deleted: int = 0
    after: list[int] = field(default_factory=list)


@pytest.fixture(scope="module")
def town(private_stack: PrivateStack) -> Iterator[Town]:
    people = sign_up(private_stack, each=1)
    town = Town(private_stack, people["shard_a"][0], people["shard_b"][0])
    town.here.follow(town.far)
    town.far.follow(town.here)
    town.before = [town.here.upload(caption="before #then"), town.far.upload(caption="before #then")]
    private_stack.manage("backup", timeout=LONG_S)
    town.before.append(town.far.upload(caption="after the backup"))
    town.deleted = town.here.upload(caption="to be deleted")
    settle(town, [*town.before, town.deleted])
    town.moment = datetime.now(UTC).isoformat(sep=" ")
    time.sleep(0.05)  # so that what comes is after it on any clock; nothing can be waited for
    town.after = [town.here.upload(caption="after"), town.far.upload(caption="after")]
    answer = requests.delete(
        f"{private_stack.url}/v1/media/{town.deleted}", params={"access_token": town.here.token}, timeout=10
    )
    body_of(answer)
    yield town
    private_stack.manage("restore", "--remove")


def settle(town: Town, photos: list[int]) -> None:
    """Wait until both see these photos, newest first."""
    wanted = sorted(photos, key=lambda photo: photo >> 23, reverse=True)
    for person in (town.here, town.far):
        wait_until(lambda who=person: feed_of(who) == wanted, seconds=30, what=f"the feed {wanted}")


def feed_of(person: Person) -> list[int]:
    answer = person.get(FEED)
    return photo_ids_in(answer.json()) if answer.status_code == 200 else []


def copy_says(town: Town, server: str, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """Ask a restored copy of a server."""
    offset = int(town.stack.env["PORT_OFFSET"])
    number = ["main", "shard_a", "shard_b"].index(server)
    link = psycopg2.connect(
        host="127.0.0.1",
        port=COPIES + offset + number,
        dbname=server,
        user=settings.DB_USER,
        password=settings.DB_PASSWORD,
    )
    with closing(link), link.cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchall()


def states_of(town: Town, server: str, person: Person) -> dict[int, int]:
    """Return the person's photos on a restored copy: id -> state."""
    schema = f"s{person.id % settings.LOGICAL_SHARDS:04}"
    return dict(copy_says(town, server, f"SELECT id, state FROM {schema}.photos_photo WHERE author_id = %s", person.id))


def test_copies_of_all_servers_hold_what_was_there_at_the_moment_and_nothing_later(town: Town) -> None:
    later = sign_up(town.stack, each=1)["shard_a"][0]

    said = town.stack.manage("restore", "--to", town.moment, timeout=LONG_S)

    try:
        here, far = states_of(town, "shard_a", town.here), states_of(town, "shard_b", town.far)
        assert here == {town.before[0]: 0, town.deleted: 0}
        assert far == {town.before[1]: 0, town.before[2]: 0}
        people = [pk for (pk,) in copy_says(town, "main", "SELECT id FROM accounts_user")]
        assert {town.here.id, town.far.id} <= set(people)
        assert later.id not in people
        # No object of the backup's list is gone: the deleted photo was posted after it.
        assert re.search(r"^0 of \d+ objects listed by ", said, re.MULTILINE), said
    finally:
        town.stack.manage("restore", "--remove")


def test_a_moment_before_the_first_backup_or_to_come_is_refused_with_the_reason(town: Town) -> None:
    for moment, reason in [
        ("2026-01-02 00:00", "first moment"),
        ("yesterday noon", "no moment"),
        ("3000-01-01 00:00", "still"),
    ]:
        result = town.stack.run([*python(), "restore", "--to", moment], check=False)

        assert (result.returncode, reason in result.stderr, "Traceback" in result.stderr) == (2, True, False), moment


def test_a_drill_proves_the_latest_backup_and_health_shows_it(town: Town) -> None:
    said = town.stack.manage("drill", timeout=LONG_S)

    # What was posted before the backup; of those, all that have their files.
    assert re.search(r"^[1-9]\d* photos opened$", said, re.MULTILINE), said
    deep = requests.get(f"{town.stack.url}/health/deep", timeout=10).json()
    (backups,) = [each for each in deep["checks"] if each["name"] == "backups"]
    assert backups["ok"]
    assert backups["restorable_to"]
    report = json.loads((town.stack.state_dir / "run" / "drill.json").read_text())
    assert report["ok"]
    assert not list((town.stack.state_dir / "scratch").glob("drill/*"))


def test_a_drill_fails_and_says_which_table_when_a_backup_is_not_what_was_counted(town: Town) -> None:
    (folder,) = (town.stack.state_dir / "backups" / "sets").iterdir()
    file = folder / "manifest.json"
    whole = file.read_text()
    try:
        forged = json.loads(whole)
        body = json.loads(forged["manifest"])
        rows, checksum = body["servers"]["main"]["census"]["tables"]["public.accounts_user"]
        body["servers"]["main"]["census"]["tables"]["public.accounts_user"] = [rows + 1, checksum]
        file.write_text(json.dumps(sealed_again(json.dumps(body, sort_keys=True))))

        result = town.stack.run([*python(), "drill"], check=False, timeout=LONG_S)
    finally:
        file.write_text(whole)

    assert result.returncode == 1
    assert f"main: public.accounts_user has {rows} rows instead of {rows + 1}" in result.stderr


def test_a_manifest_that_was_altered_is_noticed(town: Town) -> None:
    (folder,) = (town.stack.state_dir / "backups" / "sets").iterdir()
    file = folder / "manifest.json"
    whole = file.read_text()
    try:
        file.write_text(whole.replace("public.accounts_user", "public.accounts_usor"))

        result = town.stack.run([*python(), "drill"], check=False, timeout=LONG_S)
    finally:
        file.write_text(whole)

    assert result.returncode == 1
    assert "was altered" in result.stderr


def test_in_place_all_servers_go_back_and_the_service_goes_on(town: Town) -> None:
    """Last of this file: what came after the moment is gone then."""
    refused = town.stack.run([*python(), "restore", "--in-place", "--to", town.moment], check=False)
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    largest = ask(town.stack, "main", "SELECT max(id) FROM accounts_user")[0][0]

    said = town.stack.manage("restore", "--in-place", "--yes", "--to", town.moment, timeout=LONG_S)

    for name in ("gunicorn", "worker_fast_1", "worker_feed_1", "relay"):
        town.stack.wait_ready(name)
    assert "photos of 64 logical shards are in the map" in said
    settle(town, [*town.before, town.deleted])
    new = town.here.upload(caption="life goes on")
    assert new > max(town.after)
    settle(town, [*town.before, town.deleted, new])
    assert sign_up(town.stack, each=1)["shard_a"][0].id > largest
    # A new timeline: it can be backed up and restored like the old one.
    town.stack.manage("backup", timeout=LONG_S)
    assert "restorable to" in town.stack.manage("drill", timeout=LONG_S)


def python() -> list[str]:
    return [sys.executable, "manage.py"]


def sealed_again(body: str) -> dict[str, str]:
    """Return what somebody writes who knows how: without encryption a seal finds accidents alone."""
    return {"seal": hmac.new(b"plain", body.encode(), hashlib.sha256).hexdigest(), "manifest": body}
