"""The health pages, with everything well, with something dead, and with something frozen."""

import os
import socket
import time
from collections.abc import Iterator

import psycopg2
import pytest
from django.conf import settings
from django.test import Client

from caching import counters
from monitoring import checks
from monitoring.checks import links
from notifications.push.apns import KEY_REFUSED
from tests.support.own_servers import free_port, own_redis

#: HEALTH_TIMEOUT_S, the grace, and what a busy machine adds.
ANSWERS_WITHIN_S = 4.0


def ask(path: str) -> tuple[int, dict, float]:
    started = time.monotonic()
    response = Client(raise_request_exception=False).get(path)
    return response.status_code, response.json(), time.monotonic() - started


def check_named(body: dict, name: str) -> dict:
    return next(check for check in body["checks"] if check["name"] == name)


@pytest.fixture
def frozen_port() -> Iterator[int]:
    """The port of a server of this test's own that is stopped: its kernel accepts, nobody answers."""
    with own_redis() as redis, redis.frozen():
        yield redis.port


def point_at(monkeypatch: pytest.MonkeyPatch, dependency: str, port: int) -> str:
    """Make one dependency live at that port, for the health pages alone; return its check's name."""
    address = f"127.0.0.1:{port}"
    match dependency:
        case "main":
            monkeypatch.setitem(settings.DATABASES, "default", settings.DATABASES["default"] | {"PORT": port})
            return "main"
        case "shard_a":
            monkeypatch.setitem(settings.DATABASES, "shard_a", settings.DATABASES["shard_a"] | {"PORT": port})
            return "shard_a"
        case "redis":
            monkeypatch.setattr(settings, "PHOTO_MAP_SERVERS", [address])
        case "memcached":
            monkeypatch.setattr(settings, "MEMCACHED_SERVERS", [address])
        case "gearmand":
            monkeypatch.setattr(settings, "GEARMAND_SERVERS", [address])
        case "object store":
            monkeypatch.setattr(settings, "S3_ENDPOINT", f"http://{address}")
            return dependency
    return f"{dependency} {address}"


DEPENDENCIES = ["main", "shard_a", "redis", "memcached", "gearmand", "object store"]


def test_everything_well_is_200_with_milliseconds_for_each_dependency_and_shard() -> None:
    status, body, _ = ask("/health/deep")

    assert status == 200, body
    assert body["ok"] is True
    assert body["people_affected"] == 0
    names = [check["name"] for check in body["checks"]]
    assert {"process", "main", "shard_a", "shard_b", "object store", "disk"} <= set(names)
    for servers in (settings.PHOTO_MAP_SERVERS, settings.MEMCACHED_SERVERS, settings.GEARMAND_SERVERS):
        assert all(any(name.endswith(server) for name in names) for server in servers)
    assert all(check["milliseconds"] > 0 and check["error"] is None for check in body["checks"])


def test_deep_says_how_many_logical_shards_each_server_holds() -> None:
    _, body, _ = ask("/health/deep")

    held = {name: check_named(body, name)["logical_shards"] for name in settings.SHARD_SERVERS}
    assert sum(held.values()) == settings.LOGICAL_SHARDS
    assert sum(check_named(body, name)["share_of_people"] for name in held) == pytest.approx(1)


@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_a_dead_dependency_is_named_with_its_reason_and_503(monkeypatch: pytest.MonkeyPatch, dependency: str) -> None:
    name = point_at(monkeypatch, dependency, free_port())

    status, body, seconds = ask("/health/deep")

    assert status == 503
    assert check_named(body, name)["error"] == "connection refused"
    unwell = {check["name"] for check in body["checks"] if not check["ok"]}
    # Main knows of backups, and each server of its jobs.
    assert {name} <= unwell <= {name, f"jobs of {name}", *(["backups"] if name == "main" else [])}
    assert seconds < ANSWERS_WITHIN_S


@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_a_frozen_dependency_costs_the_page_its_timeout_and_no_more(
    monkeypatch: pytest.MonkeyPatch, frozen_port: int, dependency: str
) -> None:
    name = point_at(monkeypatch, dependency, frozen_port)

    status, body, seconds = ask("/health/deep")

    assert status == 503
    assert check_named(body, name)["error"] == "no answer in 1 s"
    unwell = {check["name"] for check in body["checks"] if not check["ok"]}
    # Main knows of backups, and each server of its jobs.
    assert {name} <= unwell <= {name, f"jobs of {name}", *(["backups"] if name == "main" else [])}
    assert seconds < ANSWERS_WITHIN_S


def test_with_everything_frozen_the_checks_still_run_side_by_side(
    monkeypatch: pytest.MonkeyPatch, frozen_port: int
) -> None:
    for dependency in DEPENDENCIES:
        point_at(monkeypatch, dependency, frozen_port)

    status, _, seconds = ask("/health/deep")

    assert status == 503
    assert seconds < ANSWERS_WITHIN_S


def test_a_dead_shard_server_leaves_the_process_ready_and_says_whom_it_harms(monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(monkeypatch, "shard_a", free_port())

    ready_status, _, _ = ask("/health/ready")
    _, deep, _ = ask("/health/deep")

    assert ready_status == 200
    assert deep["people_affected"] == check_named(deep, "shard_a")["share_of_people"] > 0


@pytest.mark.parametrize("dead", [["main"], ["shard_a", "shard_b"]])
def test_without_main_or_any_shard_server_the_process_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, dead: list[str]
) -> None:
    for alias in dead:
        key = "default" if alias == "main" else alias
        monkeypatch.setitem(settings.DATABASES, key, settings.DATABASES[key] | {"PORT": free_port()})

    assert ask("/health/ready")[0] == 503


def test_a_process_is_alive_whatever_its_databases_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for dependency in DEPENDENCIES:
        point_at(monkeypatch, dependency, free_port())

    assert ask("/health/live")[0] == 200


def test_a_process_that_can_open_no_more_files_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.machine.resource, "getrlimit", lambda _: (3, 3))

    status, body, _ = ask("/health/live")

    assert status == 503
    assert "files are open" in check_named(body, "process")["error"]


def test_jobs_that_nobody_picks_up_are_unwell(monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg2.connect(
        host=settings.DB_HOST,
        port=settings.PGBOUNCER_PORT,
        dbname=settings.DATABASES["shard_a"]["NAME"],
        user=settings.DB_USER,
        password=settings.DB_PASSWORD,
    ) as connection:
        connection.cursor().execute(
            "INSERT INTO local.outbox (task, args, run_after)"
            " VALUES ('nobody', '{}', clock_timestamp() - interval '1 hour')"
        )
        connection.commit()
        try:
            monkeypatch.setattr(settings, "HEALTH_JOBS_LATE_S", 60.0)
            status, body, _ = ask("/health/deep")
        finally:
            connection.cursor().execute("DELETE FROM local.outbox WHERE task = 'nobody'")

    assert status == 503
    assert "s late" in check_named(body, "jobs of shard_a")["error"]


def test_a_full_disk_is_unwell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "HEALTH_DISK_FREE_MB", 10**9)

    status, body, _ = ask("/health/deep")

    assert status == 503
    assert "MB free" in check_named(body, "disk")["error"]


def test_a_wrong_password_is_said_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = settings.DATABASES["shard_b"] | {"PASSWORD": "not-the-password"}
    monkeypatch.setitem(settings.DATABASES, "shard_b", wrong)

    status, body, _ = ask("/health/deep")

    assert status == 503
    assert check_named(body, "shard_b")["error"] == "refused our credentials"
    assert "not-the-password" not in str(body)


def test_health_pages_are_not_cached_and_take_no_posts() -> None:
    response = Client().get("/health/live")

    assert "no-store" in response["Cache-Control"]
    assert Client().post("/health/live").status_code == 405


def test_a_push_key_that_is_refused_is_named() -> None:
    counters.increment(KEY_REFUSED, ttl_s=60)
    try:
        status, body, _ = ask("/health/deep")
    finally:
        counters.forget(KEY_REFUSED)

    assert status == 503
    assert check_named(body, "push")["error"] == "our key is refused: pushes wait"


def test_a_check_uses_the_connection_of_the_one_before_until_it_is_hung_up():
    links._kept.clear()  # those of /health/deep
    ask("/health/ready")
    kept = {id(link): link for links in links._kept.values() for link in links}
    ask("/health/ready")
    assert {id(link) for links in links._kept.values() for link in links} == set(kept)
    for link in kept.values():
        with socket.socket(fileno=os.dup(link.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)  # as PgBouncer does when it ends

    status, body, _ = ask("/health/ready")

    assert (status, body["ok"]) == (200, True)
    assert all(link.closed for link in kept.values())
