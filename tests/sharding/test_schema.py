"""`manage.py shards` as an operator runs it: real processes, on installations in the scratch databases."""

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from bench.scratch import empty_databases
from sharding import schema, server_named
from tests.support.waiting import wait_until

SETTINGS = """
from instagram.settings.bench import *

INSTALLED_APPS = ["sharding", "shelf"]
ROOT_URLCONF = "shelf.urls"
"""
BOOK = """
from django.db import models

from sharding.models import ShardedModel


class Book(ShardedModel):
    id = models.BigAutoField(primary_key=True)
    owner_id = models.BigIntegerField()
    title = models.CharField(max_length=80)
    pages = models.IntegerField(null=True)


class Loan(ShardedModel):
    pk = models.CompositePrimaryKey("owner_id", "book_id")
    owner_id = models.BigIntegerField()
    book_id = models.BigIntegerField()
"""
BOOK_SQL = """
CREATE TABLE shelf_book (
    id bigint PRIMARY KEY DEFAULT local.next_id({{shard}}, '{{schema}}.clock'),
    owner_id bigint NOT NULL,
    title varchar(80) NOT NULL DEFAULT 'as of 100 %',
    pages integer,
    CONSTRAINT shelf_book_shard_key CHECK (owner_id % {{shards}} = {{shard}})
);
CREATE TABLE shelf_loan (
    owner_id bigint NOT NULL,
    book_id bigint NOT NULL,
    PRIMARY KEY (owner_id, book_id),
    CONSTRAINT shelf_loan_shard_key CHECK (owner_id % {{shards}} = {{shard}})
);
"""


class Installation:
    """A room `shelf` with one sharded model, on its own logical shards."""

    def __init__(self, folder: Path, shards: int) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "PYTHONPATH": str(folder),
            "DJANGO_SETTINGS_MODULE": "shelf_settings",
            "LOGICAL_SHARDS": str(shards),
            "COLUMNS": "200",
        }
        (folder / "shelf_settings.py").write_text(SETTINGS)
        (folder / "shelf").mkdir()
        (folder / "shelf" / "__init__.py").touch()
        (folder / "shelf" / "urls.py").write_text("urlpatterns = []")
        (folder / "shelf" / "models.py").write_text(BOOK)
        self.file("logical/0001_book.sql", BOOK_SQL)

    def file(self, name: str, text: str) -> None:
        path = self.folder / "shelf" / "shard_sql" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def shards(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run `manage.py shards …`, insist on its exit code and return what it said."""
        process = self.start("shards", *arguments, **environment)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, out + err
        return out + err

    def ask(self, server: str, query: str, *arguments):
        with schema.direct(server_named(server)) as link, link, link.cursor() as cursor:
            cursor.execute(query, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def schemas(self, server: str) -> set[str]:
        return {name for (name,) in self.ask(server, "SELECT nspname FROM pg_namespace WHERE nspname ~ '^s[0-9]{4}$'")}

    def tables(self, server: str, name: str) -> set[str]:
        return {
            f"{space}.{table}"
            for space, table in self.ask(
                server, "SELECT schemaname, tablename FROM pg_tables WHERE tablename = %s", name
            )
        }


@contextmanager
def installations(folder: Path):
    """Give a function that begins an installation: Django's tables are there, the shards are not."""
    with override_settings(DB_SUFFIX="_bench"), empty_databases():

        def begin(*, shards: int = 8) -> Installation:
            installation = Installation(folder, shards)
            process = installation.start("migrate", "-v0")
            _, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
            return installation

        yield begin


@pytest.fixture
def install(tmp_path):
    with installations(tmp_path) as begin:
        yield begin


def test_create_places_the_shards_in_contiguous_shares_and_makes_their_tables(install):
    shelf = install(shards=8)
    shelf.shards("create")

    assert shelf.schemas("shard_a") == {"s0000", "s0001", "s0002", "s0003"}
    assert shelf.schemas("shard_b") == {"s0004", "s0005", "s0006", "s0007"}
    assert shelf.tables("shard_b", "shelf_book") == {f"s000{n}.shelf_book" for n in (4, 5, 6, 7)}
    assert shelf.ask("main", "SELECT server FROM sharding_placement ORDER BY logical_shard") == (
        [("shard_a",)] * 4 + [("shard_b",)] * 4
    )
    assert "8 logical shards are where they belong" in shelf.shards("check")


def test_create_again_changes_nothing(install):
    shelf = install()
    shelf.shards("create")
    before = shelf.ask("shard_a", "SELECT * FROM local.schema_version ORDER BY 1, 2, 3")

    assert "0 schemas migrated" in shelf.shards("create")
    assert shelf.ask("shard_a", "SELECT * FROM local.schema_version ORDER BY 1, 2, 3") == before


def test_a_new_file_runs_once_in_every_shard(install):
    shelf = install()
    shelf.shards("create")
    shelf.file("logical/0002_isbn.sql", "ALTER TABLE shelf_book ADD isbn text;")

    assert "8 schemas migrated" in shelf.shards("migrate")
    assert "0 schemas migrated" in shelf.shards("migrate")


def test_a_dry_run_says_what_would_be_done_and_does_nothing(install):
    shelf = install()

    assert "shard_a: would hold 4 logical shards" in shelf.shards("create", "--dry-run")
    assert shelf.schemas("shard_a") == set()
    shelf.shards("create")
    shelf.file("logical/0002_isbn.sql", "ALTER TABLE shelf_book ADD isbn text;")
    shelf.file("local/0001_desk.sql", "CREATE TABLE desk (id int);")

    said = shelf.shards("migrate", "--dry-run")

    assert "shard_b: shelf/0002_isbn in 4 schemas" in said
    assert "main: shelf/0001_desk (schema local) in 1 schema" in said
    assert shelf.tables("main", "desk") == set()
    assert shelf.shards("migrate")
    assert "shard_b: nothing to do" in shelf.shards("migrate", "--dry-run")


def test_local_files_run_on_every_server_main_included(install):
    shelf = install()
    shelf.file("local/0001_desk.sql", "CREATE TABLE desk (shards int DEFAULT {{shards}});")
    shelf.shards("create")

    for server in ("main", "shard_a", "shard_b"):
        assert shelf.tables(server, "desk") == {"local.desk"}
    assert shelf.schemas("main") == set()


def test_a_failed_shard_is_named_does_not_stop_the_others_and_is_done_once_mended(install):
    shelf = install()
    shelf.file("logical/0002_trap.sql", "ALTER TABLE shelf_book ADD isbn text; SELECT 1 / ({{shard}} - 5);")

    said = shelf.shards("create", code=1)

    assert "shard_b: s0005: shelf/0002_trap: division by zero" in said
    assert "1 failed" in said
    # All or nothing for the shard that failed, everything for the others.
    assert shelf.tables("shard_b", "shelf_book") == {f"s000{n}.shelf_book" for n in (4, 6, 7)} | set()
    shelf.file("logical/0002_trap.sql", "ALTER TABLE shelf_book ADD isbn text;")
    said = shelf.shards("migrate", code=1)
    assert "shelf/0002_trap: changed after it ran" in said
    assert shelf.tables("shard_b", "shelf_book") == {f"s000{n}.shelf_book" for n in (4, 5, 6, 7)}


def test_a_server_that_is_down_is_named_and_the_others_are_done(install):
    shelf = install()

    said = shelf.shards("create", code=1, POSTGRES_SHARD_B_PORT="1")

    assert "shard_b: 127.0.0.1:1 does not answer" in said
    assert len(shelf.schemas("shard_a")) == 4
    assert "unreachable" in shelf.shards("status", code=1, POSTGRES_SHARD_B_PORT="1")
    assert "shard_b: unreachable" in shelf.shards("check", code=1, POSTGRES_SHARD_B_PORT="1")
    assert "5 schemas migrated" in shelf.shards("migrate")  # 4 shards and shard_b's own schema


def test_a_run_killed_in_the_middle_leaves_whole_schemas_and_the_next_one_goes_on(install):
    shelf = install(shards=128)
    # Enough to do that the kill comes in the middle.
    for number in range(2, 7):
        shelf.file(
            f"logical/000{number}_shelf.sql",
            f"CREATE TABLE shelf_{number} (owner_id bigint PRIMARY KEY, label text UNIQUE,"
            f" CONSTRAINT shelf_{number}_shard_key CHECK (owner_id % {{{{shards}}}} = {{{{shard}}}}));",
        )
    process = shelf.start("shards", "create")
    wait_until(lambda: len(shelf.schemas("shard_a")) > 10, seconds=60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    process.stderr.close()

    done = wait_until(lambda: None if migrations_running(shelf) else shelf.schemas("shard_a"))
    assert 10 < len(done) < 64
    for table in ("shelf_book", "shelf_2", "shelf_6"):
        assert shelf.tables("shard_a", table) == {f"{name}.{table}" for name in done}
    versions = shelf.ask("shard_a", "SELECT count(*) FROM local.schema_version WHERE logical_shard >= 0")
    assert versions == [(len(done) * 8,)]

    shelf.shards("migrate")

    assert len(shelf.schemas("shard_a")) == len(shelf.schemas("shard_b")) == 64
    shelf.shards("check")


def migrations_running(shelf) -> bool:
    (row,) = shelf.ask("shard_a", "SELECT count(*) - 1 FROM pg_stat_activity WHERE application_name = 'shards'")
    return row[0] > 0


def test_two_runs_at_once_do_everything_once(install):
    shelf = install(shards=64)
    processes = [shelf.start("shards", "create") for _ in range(2)]

    outcomes = [(*process.communicate(timeout=120), process.returncode) for process in processes]

    assert [code for _, _, code in outcomes] == [0, 0], outcomes
    shelf.shards("check")


def test_wrong_arguments_give_exit_code_2(tmp_path):
    shelf = Installation(tmp_path, shards=8)

    for arguments in ([], ["destroy"], ["create", "--now"], ["migrate", "shard_a"]):
        assert "usage: manage.py shards" in shelf.shards(*arguments, code=2)


def test_the_number_of_logical_shards_never_changes(install):
    shelf = install(shards=8)
    shelf.shards("create")

    for verb in ("create", "migrate"):
        said = shelf.shards(verb, code=2, LOGICAL_SHARDS="16")
        assert "This installation has 8 logical shards, for life; LOGICAL_SHARDS says 16." in said


def test_a_number_of_logical_shards_that_ids_cannot_hold_is_refused(tmp_path):
    shelf = Installation(tmp_path, shards=8)

    for count in ("0", "3", "16384"):
        assert "must be a power of two, at most 8192" in shelf.shards("create", code=2, LOGICAL_SHARDS=count)


def test_the_epoch_of_ids_never_changes(install):
    shelf = install()
    shelf.shards("create")

    said = shelf.shards("migrate", code=1, ID_EPOCH_MS="1300000000000")

    assert "installed with ID_EPOCH_MS=1767225600000, the settings say 1300000000000" in said


def test_commands_before_the_first_create_say_what_to_run(install):
    assert "run manage.py shards create" in install().shards("migrate", code=2)


def test_status_tells_shards_versions_and_what_is_missing(install):
    shelf = install()
    shelf.shards("create")
    shelf.file("logical/0002_isbn.sql", "ALTER TABLE shelf_book ADD isbn text;")

    said = [line.replace("│", " ").split() for line in shelf.shards("status").splitlines()]

    assert any(line[:6] == ["shard_a", "4", "1", "of", "5", "4"] for line in said)
    assert ["shelf/logical/0001_book", "4", "of", "4", "4", "of", "4"] in said
    assert ["shelf/logical/0002_isbn", "0", "of", "4", "0", "of", "4"] in said


#: What was done to which schema, and what check must say of it. 32 logical shards, 0 to 15 on shard_a.
HARMS = [
    ("DROP SCHEMA s0001 CASCADE", "shard_a: s0001: placed here but missing"),
    ("CREATE SCHEMA s0016", "shard_a: s0016: here but placed elsewhere"),
    (
        "DELETE FROM local.schema_version WHERE logical_shard = 2 AND room = 'shelf'",
        "shard_a: s0002: lacks shelf/0001_book",
    ),
    (
        "UPDATE local.schema_version SET checksum = 'x' WHERE logical_shard = 3 AND room = 'shelf'",
        "shard_a: s0003: ran another text of shelf/0001_book",
    ),
    (
        "ALTER TABLE s0004.shelf_book DROP CONSTRAINT shelf_book_shard_key",
        "shard_a: s0004: shelf_book has no check shelf_book_shard_key",
    ),
    (
        (
            "ALTER TABLE s0005.shelf_book DROP CONSTRAINT shelf_book_shard_key;"
            " ALTER TABLE s0005.shelf_book ADD CONSTRAINT shelf_book_shard_key CHECK (owner_id % 32 = 2)"
        ),
        "shard_a: s0005: shelf_book_shard_key lets another shard's rows in",
    ),
    (
        "ALTER TABLE s0006.shelf_book DROP pages, ADD isbn text",
        "shard_a: s0006: shelf_book differs from the model in isbn, pages",
    ),
    (
        "ALTER TABLE s0007.shelf_book DROP title, ADD title integer NOT NULL",
        "shard_a: s0007: shelf_book differs from the model in title",
    ),
    (
        "ALTER TABLE s0008.shelf_book ALTER pages SET NOT NULL",
        "shard_a: s0008: shelf_book differs from the model in pages",
    ),
    ("DROP TABLE s0009.shelf_book", "s0009: no table shelf_book"),
    (
        "INSERT INTO s0010.shelf_book (id, owner_id) VALUES ((9000000000 << 23) + (10 << 10) + 5, 10)",
        "s0010: its clock is behind its largest id",
    ),
    (
        "INSERT INTO s0011.shelf_book (id, owner_id) VALUES (5, 11)",
        "shard_a: s0011: the largest id 5 was made by logical shard 0",
    ),
]


@pytest.fixture(scope="module")
def check_after_harm(tmp_path_factory):
    """Do all the harm to one installation and return what check says."""
    with installations(tmp_path_factory.mktemp("harm")) as begin:
        shelf = begin(shards=32)
        shelf.shards("create")
        for harm, _ in HARMS:
            shelf.ask("shard_a", harm)
        return shelf.shards("check", code=1)


@pytest.mark.parametrize("fault", [fault for _, fault in HARMS])
def test_check_finds(check_after_harm, fault):
    assert fault in check_after_harm


def test_check_finds_nothing_but_the_harm(check_after_harm):
    assert f"{len(HARMS)} faults" in check_after_harm


def test_check_says_once_what_is_wrong_with_many_schemas(install):
    shelf = install()
    shelf.shards("create")
    shelf.file("logical/0002_isbn.sql", "ALTER TABLE shelf_book ADD isbn text;")

    said = shelf.shards("check", code=1)

    assert "shard_a: s0000, s0001, s0002 and 1 more: lacks shelf/0002_isbn" in said
    assert "2 faults" in said


def test_clocks_behind_their_rows_are_mended_by_push_clocks(install):
    shelf = install()
    shelf.shards("create")
    shelf.ask("shard_a", "INSERT INTO s0001.shelf_book (id, owner_id) VALUES ((9000000000 << 23) + (1 << 10) + 5, 1)")

    shelf.shards("push-clocks")

    shelf.shards("check")
    assert shelf.ask("shard_a", "SELECT last_value FROM s0001.clock") == [((9_000_000_000 << 10) + 6,)]
