"""A request's way, told to staff alone; its numbers against counts made on the wire. And its line in the log."""

import json
import logging

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from accounts.clients import first_party_client
from accounts.models import User
from api.v1 import base
from instagram import tracing
from jobs import outbox
from jobs.testing import run_until_idle
from sharding import all_servers, shard_of
from tests.support.applications import a_token, an_application
from tests.support.people import a_person, a_photo
from tests.support.round_trips import counted

FEED = "/v1/users/self/feed"
ASKS = {"HTTP_X_TRACE_PATH": "1"}


def made_staff(person):
    User.objects.filter(pk=person.id).update(is_staff=True)
    return person


@pytest.fixture
def staff():
    return made_staff(a_person())


def path_of(answer):
    return json.loads(answer["X-Request-Path"])


def feed_of(person, **asks):
    answer = Client().get(FEED, {"access_token": person.token}, **asks)
    assert answer.status_code == 200
    return answer


def test_a_staff_token_is_told_the_way_of_its_request(staff):
    answer = feed_of(staff, HTTP_X_REQUEST_ID="0123456789abcdef", **ASKS)

    path = path_of(answer)
    shard = shard_of(staff.id)
    assert path["request"] == "GET /v1/users/self/feed"
    assert path["request_id"] == "0123456789abcdef"
    assert path["shard"] == f"{shard.schema} on {shard.server.name}"
    assert shard.schema in path["logical_shards_named"]
    assert path["sql"][shard.server.name]["queries"] >= 1
    assert path["total_ms"] >= path["own_code_ms"] > 0
    assert f"total;dur={path['total_ms']}" in answer["Server-Timing"]
    assert f"sql-{shard.server.name};dur=" in answer["Server-Timing"]


def test_queries_are_as_many_as_django_counts(staff):
    others = [a_person() for _ in range(3)]
    for other in others:
        staff.follow(other)
        other.upload()
    run_until_idle()
    feed_of(staff)  # fills caches

    captured = {server.name: CaptureQueriesContext(connections[server.alias]) for server in all_servers()}
    for each in captured.values():
        each.__enter__()
    try:
        answer = feed_of(staff, **ASKS)
    finally:
        for each in captured.values():
            each.__exit__(None, None, None)

    made = {name: [query["sql"] for query in each.captured_queries] for name, each in captured.items()}
    path = path_of(answer)
    # The last one on main is the look whether staff asks: after the way that is told.
    assert "is_staff" in made["main"].pop()
    own = {name: len([sql for sql in found if sql not in ("BEGIN", "COMMIT")]) for name, found in made.items()}
    assert {name: spent["queries"] for name, spent in path["sql"].items()} == {name: n for name, n in own.items() if n}


def test_cache_and_redis_are_as_many_as_on_the_wire(staff):
    author = a_person()
    media = author.upload()
    run_until_idle()
    photo = media["id"].partition("_")[0]
    Client().get(f"/v1/media/{photo}", {"access_token": staff.token})  # fills caches

    with counted() as made:
        answer = Client().get(f"/v1/media/{photo}", {"access_token": staff.token}, **ASKS)

    path = path_of(answer)
    assert path["cache"]["times"] == made["memcached"] + made["memcached store"] > 0
    assert path["redis"]["times"] == made["redis"]
    # One statement more is the look whether staff asks.
    assert sum(spent["queries"] for spent in path["sql"].values()) == made["sql"] - 1
    assert 0 < path["cache"]["hits"] <= path["cache"]["keys"]


def test_what_a_write_enqueues_commits_and_stores_is_told(staff):
    photo = staff.upload()["id"].partition("_")[0]
    run_until_idle()

    answer = Client().post(f"/v1/media/{photo}/likes", {"access_token": staff.token}, **ASKS)

    path = path_of(answer)
    rows = [
        row for server in all_servers() for row in outbox.rows_of(server) if row["request_id"] == path["request_id"]
    ]
    assert sum(path["jobs"].values()) >= len(rows) > 0
    assert {row["task"] for row in rows} <= set(path["jobs"])
    spent = path["sql"][shard_of(staff.id).server.name]
    assert spent["commits"] >= 1
    assert spent["pool_wait_at_most_ms"] <= spent["ms"]
    run_until_idle()


def test_an_upload_tells_what_the_object_store_took(staff):
    photo = SimpleUploadedFile("photo.jpg", a_photo())

    path = path_of(Client().post("/v1/media", {"access_token": staff.token, "photo": photo}, **ASKS))

    assert path["s3"]["times"] >= 4
    assert path["s3"]["ms"] > 0


def test_what_other_services_took_is_told_in_both_headers(staff, monkeypatch):
    def slow(*asked):
        tracing.add("http", "twitter", 0.25)
        return identify(*asked)

    identify = base.identify
    monkeypatch.setattr(base, "identify", slow)

    answer = feed_of(staff, **ASKS)

    assert path_of(answer)["http"] == {"times": 1, "ms": 250.0}
    assert "http;dur=250.0" in answer["Server-Timing"].split(", ")


@pytest.mark.parametrize("who", ["nobody", "an ordinary person", "a staff person of another application"])
def test_nobody_else_learns_anything(staff, who):
    if who == "nobody":
        params = {"client_id": first_party_client().client_id}
    elif who == "an ordinary person":
        params = {"access_token": a_person().token}
    else:
        params = {"access_token": a_token(staff, an_application())}
    path = f"/v1/users/{staff.id}"

    plain, asking = Client().get(path, params), Client().get(path, params, **ASKS)

    assert asking.status_code == plain.status_code == 200
    assert set(asking.headers) == set(plain.headers)
    assert "X-Request-Path" not in asking
    assert "Server-Timing" not in asking


def test_a_staff_session_is_told_and_without_the_header_nobody_is(staff):
    browser = Client()
    browser.force_login(User.objects.get(pk=staff.id))

    assert path_of(browser.get("/admin/", **ASKS))["sql"]["main"]["queries"] >= 1
    assert "X-Request-Path" not in browser.get("/admin/")


def test_each_request_is_one_line_with_verb_template_status_and_time(caplog):
    person = a_person()
    with caplog.at_level(logging.INFO, logger="request"):
        Client(HTTP_X_REQUEST_ID="0123456789abcdef").get(
            f"/v1/users/{person.id}.json", {"access_token": person.token, "max_id": "77"}
        )

    (record,) = [each for each in caplog.records if each.name == "request"]
    assert record.getMessage().startswith("GET /v1/users/<user_id> 200 in ")
    assert (record.facts["verb"], record.facts["path"]) == ("GET", "/v1/users/<user_id>")
    assert record.facts["ms"] > 0
    assert person.token not in str(record.__dict__)


def test_a_fault_in_telling_costs_nobody_the_answer(staff, monkeypatch, settings, caplog):
    def broken(_trace):
        raise RuntimeError("a fault in telling")

    monkeypatch.setattr("monitoring.costs.whole", broken)
    settings.SLOW_REQUEST_S = 0.000_001

    answer = feed_of(staff, **ASKS)

    assert "X-Request-Path" not in answer
    assert [record.getMessage() for record in caplog.records if record.exc_info] == [
        "a request cannot be told of",
        "something slow cannot be told of",
    ]


def test_a_path_that_is_none_of_ours_is_a_line_too(caplog):
    with caplog.at_level(logging.INFO, logger="request"):
        Client().get("/nothing/here")

    assert "GET - 404 in " in caplog.text


def test_probes_that_find_all_well_write_no_line(caplog):
    with caplog.at_level(logging.INFO, logger="request"):
        assert Client().get("/health/live").status_code == 200

    assert [each for each in caplog.records if each.name == "request"] == []


def test_templates_of_pages_are_as_readable_as_those_of_the_api(caplog):
    with caplog.at_level(logging.INFO, logger="request"), override_settings(ROOT_URLCONF="tests.support.pages"):
        Client().get("/sleep/a-secret-token", {"seconds": "0"})

    assert "GET /sleep/<token> 200 in " in caplog.text
    assert "a-secret-token" not in caplog.text
