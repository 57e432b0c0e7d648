"""fab backup, restore, drill: what they would run on the database hosts."""

import pytest

from deploy import inventory
from tests.support.hosts import fab

EXAMPLE = inventory.DEFAULT.with_name("inventory.example.toml")


@pytest.mark.parametrize("words", [["backup", "--full"], ["restore", "--remove"], ["drill"]])
def test_a_dry_run_says_what_each_database_host_would_run_and_asks_none(words):
    said = fab(EXAMPLE, *words, "--dry-run")

    assert said.returncode == 0, said.stdout + said.stderr
    for name in ("db-main", "db-a", "db-b"):
        assert name in said.stdout
    assert said.stdout.count("would run: sudo -n -u postgres") == 3
    assert said.stdout.count(" ".join(words)) == 3


@pytest.mark.parametrize("words", [["restore"], ["restore", "--to", "now", "--in-place"], ["drill", "--hosts", "db-z"]])
def test_what_cannot_be_begun_ends_with_2_and_a_sentence(words):
    said = fab(EXAMPLE, *words)

    assert said.returncode == 2
    assert "Traceback" not in said.stderr
