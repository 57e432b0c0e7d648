"""Counting at a moment: what committed before the restore point is in it, exactly."""

import threading
from datetime import UTC, datetime

import pytest

from recovery.backup import census
from recovery.backup.census import Census, differences
from recovery.backup.servers import superuser
from tests.support.people import a_person


def a_census(exact: bool = True) -> Census:
    return Census("point", datetime.now(UTC), exact, {"public.a": (1_000, "5"), "public.b": (2, "7")})


def test_a_census_counts_every_row_of_a_server() -> None:
    a_person()

    seen = census.take("main", point="test")

    with superuser("main") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_user")
        assert seen.tables["public.accounts_user"][0] == cursor.fetchone()[0]
    assert seen.exact
    assert seen.rows > 0


def test_a_census_is_not_called_exact_beside_an_open_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(census, "EXACT_S", 0.2)
    with superuser("main") as writer, writer.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_current_xact_id()")

        assert not census.take("main", point="test").exact


def test_a_census_waits_for_a_writer_to_end() -> None:
    with superuser("main") as writer, writer.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_current_xact_id()")
        ending = threading.Timer(0.3, lambda: cursor.execute("COMMIT"))
        ending.start()
        try:
            assert census.take("main", point="test").exact
        finally:
            ending.join()


def test_the_same_tables_differ_in_nothing() -> None:
    assert differences(a_census(), a_census().tables) == []


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        ({"public.a": (1_001, "5"), "public.b": (2, "7")}, "public.a has 1001 rows instead of 1000"),
        ({"public.a": (1_000, "6"), "public.b": (2, "7")}, "public.a has its 1000 rows, but their checksum differs"),
        ({"public.a": (1_000, "5")}, "public.b is missing (2 rows)"),
        ({"public.a": (1_000, "5"), "public.b": (2, "7"), "public.c": (0, "0")}, "public.c was not there"),
    ],
)
def test_a_table_that_is_not_what_it_was_is_named(now: census.Tables, sentence: str) -> None:
    assert differences(a_census(), now) == [sentence]


def test_what_was_counted_beside_writers_is_judged_by_rows_alone_and_loosely() -> None:
    was = a_census(exact=False)

    assert differences(was, {"public.a": (1_090, "9"), "public.b": (3, "9")}) == []
    assert differences(was, {"public.a": (1_200, "9"), "public.b": (2, "7")}) == [
        "public.a has 1200 rows instead of 1000"
    ]
