"""What health and admin show of backups. Rows are of the whole installation: each test puts back what it found."""

import secrets
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from backoffice.acts import Role
from monitoring import checks, gauges
from monitoring.figures.readings import Reading
from monitoring.figures.table import FIGURES
from recovery.models import Archived, Backup, Drill
from tests.support.staff import a_staff


@pytest.fixture(autouse=True)
def nothing() -> Iterator[None]:
    empty()
    yield
    empty()


def empty() -> None:
    for model in (Archived, Backup, Drill):
        model.objects.all().delete()


def health() -> checks.Result:
    (check,) = [each for each in checks.all_checks() if each.name == "backups"]
    (result,) = checks.run_all([check])
    return result


#: Backups of all servers, as one host takes them that has them all.
ALL = "main,shard_a,shard_b"


def a_backup(days: float, servers: str = ALL, state: str = "done") -> None:
    at = timezone.now() - timedelta(days=days)
    Backup.objects.create(label=secrets.token_hex(8), state=state, began_at=at, ended_at=at, servers=servers)


def a_drill(days: float, servers: str = ALL, *, ok: bool = True) -> Drill:
    at = timezone.now() - timedelta(days=days)
    return Drill.objects.create(
        label="a", began_at=at, ended_at=at, ok=ok, servers=servers, seconds=1, why="" if ok else "x"
    )


def archived(minutes: float, servers: str = ALL) -> None:
    for server in servers.split(","):
        Archived.objects.create(server=server, at=timezone.now() - timedelta(minutes=minutes))


def figures() -> dict[str, dict[str, float]]:
    """What the watch would see: figure -> server -> value."""
    metrics = {gauge.name: gauge.values for gauge in gauges.read(lambda name: name == "backups")}
    now = Reading(0, metrics)
    return {
        name: {server: value for server, value in FIGURES[name].values(now, None) if value is not None}
        for name in ("restorable_age", "backup_age", "proof_age", "drill_failed")
    }


def test_an_installation_without_backups_is_well() -> None:
    assert health().ok


def test_a_first_backup_has_some_days_until_its_drill() -> None:
    a_backup(days=1)

    assert health().ok


def test_backups_that_were_never_proven_are_unwell() -> None:
    a_backup(days=20)

    assert health().error == "; ".join(
        f"{name}: for 20 days no backup was proven by a drill" for name in ALL.split(",")
    )


def test_a_proof_that_is_too_old_is_unwell() -> None:
    a_backup(days=20)
    a_drill(days=10)

    assert health().error.startswith("main: for 10 days no backup was proven by a drill; ")


def test_a_fresh_proof_is_well_and_shown() -> None:
    a_backup(days=20)
    a_drill(days=0.1)
    archived(0)

    result = health()

    assert result.ok
    assert result.facts["restorable_to"]
    assert result.facts["proven_at"]


def test_a_drill_that_failed_is_unwell_even_after_good_ones() -> None:
    a_backup(days=20)
    a_drill(days=1)
    a_drill(days=0, ok=False)

    assert health().error.startswith("main: its last drill failed: manage.py backups says why; ")


def test_another_servers_good_drill_does_not_hide_a_failed_one() -> None:
    a_backup(days=1)
    a_drill(2, "shard_a")
    a_drill(1, "shard_a", ok=False)
    a_drill(0, "main")
    a_drill(0, "shard_b")

    assert health().error == "shard_a: its last drill failed: manage.py backups says why"
    assert figures()["drill_failed"] == {"main": 0.0, "shard_a": 1.0, "shard_b": 0.0}
    assert FIGURES["drill_failed"].level(1.0) == "critical"


def test_a_drill_that_one_server_never_had_is_missed() -> None:
    a_backup(days=20)
    a_drill(0, "main,shard_b")

    assert health().error == "shard_a: for 20 days no backup was proven by a drill"
    assert figures()["proof_age"]["shard_a"] == pytest.approx(20, abs=0.1)
    assert FIGURES["proof_age"].level(20.0) == "critical"


@override_settings(BACKUP_MAX_AGE_H=26.0)
def test_a_server_whose_backups_fail_is_unwell_and_alerts() -> None:
    a_backup(2)
    a_backup(0.1, "main,shard_b")
    a_backup(0.1, "shard_a", state="failed")
    a_drill(0)

    assert health().error == "shard_a: for 48 hours there was no backup"
    assert figures()["backup_age"]["shard_a"] == pytest.approx(48, abs=0.1)
    assert FIGURES["backup_age"].level(48.0) == "warning"
    assert FIGURES["backup_age"].level(figures()["backup_age"]["main"]) == "ok"


@override_settings(BACKUP_MARK_MAX_MIN=15.0)
def test_a_server_whose_log_stopped_to_reach_the_archive_is_unwell_and_alerts() -> None:
    a_backup(0.1)
    a_drill(0)
    archived(1, "main,shard_a")
    archived(20, "shard_b")

    assert health().error == "shard_b: for 20 minutes nothing came into the archive"
    assert figures()["restorable_age"]["shard_b"] == pytest.approx(1_200, abs=30)
    assert FIGURES["restorable_age"].level(1_200.0) == "critical"


def test_where_no_timers_run_nobody_minds_how_old_a_backup_is() -> None:
    a_backup(5)
    a_drill(0)
    archived(10_000)

    assert health().ok
    assert figures()["backup_age"] == figures()["restorable_age"] == {}


def test_without_backups_there_are_no_figures_of_them() -> None:
    assert figures() == {"restorable_age": {}, "backup_age": {}, "proof_age": {}, "drill_failed": {}}


@pytest.mark.parametrize("model", ["backup", "archived", "drill"])
def test_the_admin_shows_them_and_lets_nobody_change_them(model: str) -> None:
    a_backup(days=1)
    drill = a_drill(days=1)
    desk = a_staff(Role.ADMIN)

    assert desk.get(f"recovery/{model}/").status_code == 200
    assert desk.get(f"recovery/{model}/add/").status_code == 403
    assert desk.post(f"recovery/drill/{drill.pk}/delete/", post="yes").status_code == 403
    assert Drill.objects.filter(pk=drill.pk).exists()
