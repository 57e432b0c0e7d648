"""Who may read a replica, and that nothing changes where there is none."""

import pytest
from django.conf import settings

from sharding import ShardUnavailable, breaker, physical_servers, replicas


def test_without_a_replica_the_primary_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    (server, *_) = physical_servers()
    monkeypatch.setattr(settings, "REPLICA_READS", [])

    assert replicas.rows(server, "SELECT pg_is_in_recovery(), %s", [7]) == [(False, 7)]


def test_a_replica_that_pgbouncer_does_not_know_is_not_read_and_costs_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    (server, *_) = physical_servers()
    monkeypatch.setattr(settings, "REPLICA_READS", [server.name])
    monkeypatch.setattr(settings, "DB_SUFFIX", "_of_nobody")
    monkeypatch.setattr(replicas, "_known", {})

    try:
        with pytest.raises(ShardUnavailable):
            replicas.lag_of(server)
        assert replicas.rows(server, "SELECT pg_is_in_recovery()") == [(False,)]
    finally:
        # Else its thread would ask for that database as long as the tests run.
        breaker.breaker_of(f"{server.name}_replica", "", lambda: None).reset()
        vars(replicas._links).clear()


def test_only_reads_that_were_thought_about_go_to_replicas() -> None:
    """Whoever adds a module here says why its reads may be old; what decides who may see what never is."""
    rooms = ("accounts", "photos", "feeds", "notifications", "api", "web", "caching", "jobs")
    users = {
        str(file.relative_to(settings.BASE_DIR))
        for room in rooms
        for file in (settings.BASE_DIR / room).rglob("*.py")
        if "replicas" in file.read_text()
    }

    assert users == {
        "accounts/discovery.py",  # suggestions, kept for a while; the most followed, counted as of the last roll-up
        "feeds/popular.py",  # candidates of a list that is minutes old when it is shown
    }
