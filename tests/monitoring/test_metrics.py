"""/metrics: what is counted and asked, in Prometheus' own language, to nobody without the token."""

import uuid
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from instagram import counting, topology
from jobs.testing import run_until_idle
from monitoring.figures.readings import Reading
from monitoring.gauges import caches
from tests.support.own_servers import free_port, own_redis
from tests.support.people import a_person

TOKEN = {"Authorization": f"Bearer {settings.METRICS_TOKEN}"}


@pytest.fixture(autouse=True)
def own_counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    counting.flush()
    monkeypatch.setattr(settings, "METRICS_PREFIX", f"t-{uuid.uuid4().hex}:")
    yield
    counting.forget()


def ask(path: str = "/metrics", **headers: str) -> object:
    return Client(raise_request_exception=False).get(path, headers=headers or TOKEN)


def reading() -> Reading:
    counting.flush()
    return Reading.of_json(ask("/metrics?format=json").json())


def test_without_the_token_nobody_reads_them() -> None:
    for headers in ({"X-Nothing": "1"}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer é"}):
        response = Client().get("/metrics", headers=headers)
        assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
        assert b"photos" not in response.content


def test_without_a_token_in_the_settings_there_is_no_such_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "METRICS_TOKEN", "")

    for headers in ({"Authorization": "Bearer "}, TOKEN):
        assert Client().get("/metrics", headers=headers).status_code == 404


def test_prometheus_can_read_them() -> None:
    counting.count("shares", service="twitter", result="sent")
    counting.observe("fan_out_seconds", 0.2)
    counting.flush()

    response = ask()
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(response.content.decode())}

    (sent,) = families["shares"].samples
    assert (families["shares"].type, sent.name, sent.value) == ("counter", "shares_total", 1)
    assert sent.labels == {"service": "twitter", "result": "sent"}
    assert families["fan_out_seconds"].type == "histogram"
    upto = {
        sample.labels["le"]: sample.value for sample in families["fan_out_seconds"].samples if "le" in sample.labels
    }
    assert (upto["0.1"], upto["0.25"], upto["+Inf"]) == (0, 1, 1)
    servers = {"main", *settings.SHARD_SERVERS}
    for name in ("postgres_connections", "pgbouncer_waiting", "outbox_late_seconds"):
        assert {sample.labels["server"] for sample in families[name].samples} == servers
    assert {sample.value for sample in families["source_away"].samples} == {0}
    assert all(family.documentation for family in families.values())


def test_what_people_do_is_counted_once_each() -> None:
    run_until_idle()  # what other tests left
    before = reading()
    anna, ben = a_person(), a_person()
    ben.follow(anna)
    photo = anna.upload()["id"]
    ben.post(f"/v1/media/{photo}/likes")
    ben.post(f"/v1/media/{photo}/likes")
    ben.post(f"/v1/media/{photo}/comments", text="nice")
    run_until_idle()
    ben.get("/v1/users/self/feed")
    after = reading()

    def grown(name: str, **labels: str) -> float:
        return after.total(name, labels) - before.total(name, labels)

    found = {name: grown(f"{name}_total") for name in ("sign_ups", "photos", "likes", "comments", "feed_reads")}
    assert found == {"sign_ups": 2, "photos": 1, "likes": 1, "comments": 1, "feed_reads": 1}
    assert grown("images_total", result="drawn") == 1
    assert grown("upload_bytes_total") > 0
    assert grown("jobs_total", task="feeds.fan_out", result="done") == 0, "run_until_idle is no worker"
    assert grown("fan_out_seconds_count") == grown("fan_out_first_seconds_count") == 1


def test_requests_are_counted_by_door_and_class_and_probes_are_not() -> None:
    for path in ("/v1/users/self/feed", "/nothing", "/health/live", "/metrics"):
        Client(raise_request_exception=False).get(path)
    now = reading()

    assert now.total("requests_total", {"door": "api", "status": "4xx"}) == 1
    assert now.total("requests_total", {"door": "web", "status": "4xx"}) == 1
    assert now.total("requests_total", {}) == now.total("request_seconds_count", {}) == 2


def test_a_path_without_a_slash_is_counted_too_and_found_nowhere() -> None:
    assert Client().options("*").status_code == 404  # how HTTP asks about the whole server

    assert reading().total("requests_total", {"door": "web", "status": "4xx"}) == 1


def test_what_is_away_is_named_and_the_rest_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = f"127.0.0.1:{free_port()}"
    with monkeypatch.context() as patched:
        patched.setattr(settings, "MEMCACHED_SERVERS", [*settings.MEMCACHED_SERVERS, closed])
        patched.setattr(settings, "METRICS_REDIS", closed)
        now = Reading.of_json(ask("/metrics?format=json").json())

    away = {labels["source"] for labels, value in now.metrics["source_away"] if value}
    assert away == {f"memcached {closed}", "counts"}
    assert now.total("memcached_bytes_most", {}) > 0


def test_a_redis_is_asked_where_it_was_promoted_to_under_the_name_it_always_had(tmp_path, settings) -> None:
    settings.TOPOLOGY_FILE = str(tmp_path / "topology.json")
    server = settings.PHOTO_MAP_SERVERS[0]
    with own_redis() as promoted:
        topology.note("redis_1", nodes={"first": server, "second": promoted.address}, primary="second")
        gauges = {gauge.name: gauge.values for gauge in caches.sources()[f"redis {server}"]()}

    assert gauges["map_keys"] == [({"server": server}, 0.0)]
