"""What health and admin show of backups. Rows are of the whole installation: each test puts back what it found."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from backoffice.acts import Role
from monitoring import checks
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


def a_backup(days: float) -> None:
    Backup.objects.create(label="a", state="done", began_at=timezone.now() - timedelta(days=days), servers="main")


def a_drill(days: float, *, ok: bool = True) -> Drill:
    at = timezone.now() - timedelta(days=days)
    return Drill.objects.create(
        label="a", began_at=at, ended_at=at, ok=ok, servers="main", seconds=1, why="" if ok else "x"
    )


def test_an_installation_without_backups_is_well() -> None:
    assert health().ok


def test_a_first_backup_has_some_days_until_its_drill() -> None:
    a_backup(days=1)

    assert health().ok


def test_backups_that_were_never_proven_are_unwell() -> None:
    a_backup(days=20)

    assert health().error == "for 20 days no backup was proven by a drill"


def test_a_proof_that_is_too_old_is_unwell() -> None:
    a_backup(days=20)
    a_drill(days=10)

    assert health().error == "for 10 days no backup was proven by a drill"


def test_a_fresh_proof_is_well_and_shown() -> None:
    a_backup(days=20)
    a_drill(days=0.1)
    Archived.objects.create(server="main", at=timezone.now())

    result = health()

    assert result.ok
    assert result.facts["restorable_to"]
    assert result.facts["proven_at"]


def test_a_drill_that_failed_is_unwell_even_after_good_ones() -> None:
    a_backup(days=20)
    a_drill(days=1)
    a_drill(days=0, ok=False)

    assert health().error == "the last drill failed: manage.py backups says why"


@pytest.mark.parametrize("model", ["backup", "archived", "drill"])
def test_the_admin_shows_them_and_lets_nobody_change_them(model: str) -> None:
    a_backup(days=1)
    drill = a_drill(days=1)
    desk = a_staff(Role.ADMIN)

    assert desk.get(f"recovery/{model}/").status_code == 200
    assert desk.get(f"recovery/{model}/add/").status_code == 403
    assert desk.post(f"recovery/drill/{drill.pk}/delete/", post="yes").status_code == 403
    assert Drill.objects.filter(pk=drill.pk).exists()
