"""The full data centre (`bin/up --full`): copies follow, every part is used, a killed nginx costs no request."""

import time
from collections.abc import Iterator

import psycopg2
import pytest
from django.conf import settings

from stack import probes
from tests.support.private import ROOT, PrivateStack, running_private_stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def full() -> Iterator[PrivateStack]:
    """A full data centre, started once for this file; what a test breaks, it mends."""
    with running_private_stack("--full") as stack:
        yield stack


def ask(stack: PrivateStack, component: str, sql: str) -> list[tuple]:
    database = component.removeprefix("postgres_").removesuffix("_replica")
    port = stack.ports[component]
    return probes.query(port, sql, database, user="postgres", password=settings.DB_SUPERUSER_PASSWORD)


@pytest.mark.parametrize("server", ["main", "shard_a", "shard_b"])
def test_what_is_written_to_a_server_is_read_from_its_replica_which_takes_no_writes(
    full: PrivateStack, server: str
) -> None:
    mark = f"mark_{time.time_ns()}"
    ask(full, f"postgres_{server}", f"CREATE TABLE {mark} (n int)")

    wait_until(
        lambda: ask(full, f"postgres_{server}_replica", f"SELECT to_regclass('{mark}')") == [(mark,)],
        what="the replica has the table",
    )
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        ask(full, f"postgres_{server}_replica", f"DROP TABLE {mark}")
    ask(full, f"postgres_{server}", f"DROP TABLE {mark}")


def test_status_shows_every_part_and_a_plain_up_says_which_data_centre_runs(full: PrivateStack) -> None:
    shown = full.run([str(ROOT / "bin" / "up"), "--status"], check=False)
    full.up_arguments = []

    again = full.up()

    assert shown.returncode == 0, shown.stdout
    for name in ("postgres_main_replica", "redis_1_replica", "gearmand_2", "gunicorn_2", "nginx_app_3", "haproxy"):
        assert f"\n{name} " in shown.stdout
    assert "the full data centre (bin/up --lean goes back)" in again.stdout
