"""/status: what it says when all is well, when something is away or switched off, and that a crowd costs nothing."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from unittest.mock import patch

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from caching import delete
from monitoring import checks
from monitoring.status import making, parts, people
from recovery.models import Archived, Backup, Drill
from sharding import shard_of
from tests.support.own_servers import free_port
from tests.support.people import a_person
from tests.support.switched import switched


@pytest.fixture(autouse=True)
def _made_anew(settings):
    """Nothing is kept from the test before; a busy machine is no reason for a part to be away."""
    settings.HEALTH_TIMEOUT_S = 5.0
    making._last = making._Last()
    delete(making.KIND, [making.ALL])


def ask(path: str = "/status.json"):
    return Client().get(path)


def part(body: dict, name: str) -> dict:
    return next(each for each in body["parts"] if each["name"] == name)


def away(monkeypatch, alias: str) -> None:
    """Let nobody listen where this database is looked for, as far as health checks go."""
    monkeypatch.setitem(settings.DATABASES, alias, settings.DATABASES[alias] | {"PORT": free_port()})


def test_when_all_is_well_both_forms_say_so_with_a_fixed_word():
    answer = ask()

    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["word"]) == ("ok", "All is well"), body
    assert {each["name"] for each in body["parts"]} == {
        "posting", "feeds", "images", "engagement", "push", "cross_posts", "sign_up",
    }  # fmt: skip
    assert {each["state"] for each in body["parts"]} == {"works"}
    assert body["people_affected"] == {"share": 0.0, "people": 0}
    page = ask("/status")
    assert page.status_code == 200
    assert "<h1>All is well</h1>" in page.content.decode()
    assert page["Cache-Control"] == "public, max-age=2"
    assert ask("/status/").status_code == ask("/status.json/").status_code == 200


def test_a_dead_server_is_told_as_a_share_and_a_number_of_people_without_its_name(monkeypatch):
    anna = a_person()
    server = shard_of(anna.id).server.name
    people._known = (0.0, None)
    delete(people.KIND, [people.ALL])
    away(monkeypatch, server)

    answer = ask()

    assert answer.status_code == 200, "it works for some"
    body = answer.json()
    assert (body["status"], body["word"]) == ("partly", "Partly away")
    numbers = people.shards_of({server})
    assert body["people_affected"]["share"] == round(len(numbers) / settings.LOGICAL_SHARDS, 4)
    live_there = sum(pk % settings.LOGICAL_SHARDS in numbers for pk in User.objects.values_list("pk", flat=True))
    assert abs(body["people_affected"]["people"] - live_there) <= 50, "but for bots, and who signs up meanwhile"
    for name in ("posting", "feeds", "engagement"):
        assert part(body, name)["state"] == "some"
    assert part(body, "images")["state"] == "works"
    page = ask("/status").content.decode()
    assert "Something does not work for <strong>" in page
    for text in (page, answer.content.decode()):
        assert server not in text
        assert "127.0.0.1" not in text


def test_of_very_many_people_the_share_of_an_estimate_is_told(monkeypatch):
    monkeypatch.setattr(people, "about_how_many", lambda: 1_000_000)
    monkeypatch.setattr(people, "_known", (0.0, None))
    delete(people.KIND, [people.ALL])

    assert people.affected(set(range(settings.LOGICAL_SHARDS // 4))) == people.Affected(0.25, 250_000)
    delete(people.KIND, [people.ALL])


def test_without_main_it_answers_503_and_says_that_it_is_down_for_everybody(monkeypatch):
    away(monkeypatch, "default")

    answer = ask()

    assert answer.status_code == 503
    body = answer.json()
    assert (body["status"], body["people_affected"]["share"]) == ("down", 1.0)
    assert part(body, "sign_up")["state"] == "down"
    page = ask("/status")
    assert page.status_code == 503
    assert "<h1>Down</h1>" in page.content.decode()


def test_with_every_shard_server_away_it_is_down(monkeypatch):
    for name in settings.SHARD_SERVERS:
        away(monkeypatch, name)
    answer = ask()
    assert (answer.status_code, answer.json()["status"]) == (503, "down")


def test_a_dead_edge_takes_the_images_and_nothing_else(settings):
    settings.CDN_BASE_URL = f"http://127.0.0.1:{free_port()}"

    body = ask().json()

    assert [each["name"] for each in body["parts"] if each["state"] != "works"] == ["images"]
    assert part(body, "images")["state"] == "down"


def test_a_dead_gearmand_makes_things_late(settings):
    settings.GEARMAND_SERVERS = [f"127.0.0.1:{free_port()}"]
    body = ask().json()
    late = {each["name"] for each in body["parts"] if each["state"] == "late"}
    assert late == {"feeds", "push", "cross_posts"}
    assert part(body, "feeds")["said"] == "new photos arrive late"


def test_switches_are_shown_with_their_reason_and_not_with_who_turned_them():
    with switched("read_only", "shard_a", reason="moving to a larger machine"), switched("push_paused"):
        answer = ask()
        page = ask("/status").content.decode()

    body = answer.json()
    assert answer.status_code == 200
    by_name = {each["name"]: each for each in body["switches"]}
    assert by_name["read_only"]["reason"] == "moving to a larger machine"
    assert 0 < by_name["read_only"]["share"] < 1
    assert by_name["push_paused"]["share"] == 1
    assert (part(body, "posting")["state"], part(body, "feeds")["state"]) == ("paused", "works")
    assert part(body, "push")["state"] == "paused"
    assert "moving to a larger machine" in page
    for text in (page, answer.content.decode()):
        assert "shard_a" not in text
        assert '"by"' not in text
        assert "tests" not in text


def test_a_read_only_service_and_a_closed_sign_up_are_paused_on_purpose():
    with switched("read_only"):
        body = ask().json()
    assert {each["name"] for each in body["parts"] if each["state"] == "paused"} == {"posting", "engagement", "sign_up"}
    making._last = making._Last()
    with switched("sign_up_closed"):
        body = ask().json()
    assert part(body, "sign_up")["state"] == "paused"


def test_a_crowd_that_reloads_the_page_costs_one_look():
    ask()  # and what that imports
    making._last = making._Last()
    with patch.object(checks, "run_all", wraps=checks.run_all) as asked, ThreadPoolExecutor(16) as crowd:
        began = time.monotonic()
        answers = list(crowd.map(lambda _: ask().status_code, range(200)))
        seconds = time.monotonic() - began
    assert set(answers) == {200}
    looks = [call for call in asked.call_args_list if len(call.args[0]) > 3]
    assert len(looks) <= 2 + seconds / making.LOOK_S


def test_the_last_drill_is_shown_when_there_was_one():
    for kind in (Drill, Archived, Backup):
        kind.objects.all().delete()  # of tests before this one
    assert "proven_at" not in ask().json()
    at = timezone.now().replace(microsecond=0)
    servers = ["main", *settings.SHARD_SERVERS]
    rows = [
        Backup.objects.create(label="a", state="done", began_at=at, servers=",".join(servers)),
        *(Archived.objects.create(server=server, at=at) for server in servers),
        Drill.objects.create(label="a", began_at=at, ended_at=at, ok=True, servers=",".join(servers), seconds=1),
    ]
    making._last = making._Last()
    delete(making.KIND, [making.ALL])
    try:
        body, page = ask().json(), ask("/status").content.decode()
    finally:
        for row in rows:
            row.delete()

    assert datetime.fromisoformat(body["proven_at"]) == datetime.fromisoformat(body["restorable_to"]) == at
    moment = f"{at.day} {at:%b %Y, %H:%M} UTC"
    assert f"last proven to restore on {moment}; they reach {moment}." in page


def test_the_largest_lag_of_a_replica_is_shown_where_there_are_some():
    lags = [checks.Result(f"replica of {name}", "replica", True, 1.0, None, {"lag_s": lag}) for name, lag in
            ((settings.SHARD_SERVERS[0], 0.2), (settings.SHARD_SERVERS[1], 1.5))]  # fmt: skip
    assert parts.worth_showing(lags) == {"replica_lag_s": 1.5}
    assert parts.worth_showing([]) == {}
