"""Pending migrations, told apart: those that only add, and those that take away what older code needs."""

import json

import pytest
from django.core.management import call_command
from django.db import migrations, models

from monitoring.pending import _adds, takes_away
from tests.sharding.test_schema import installations


def test_nothing_is_pending_on_databases_that_were_just_made(capsys):
    call_command("pending_migrations", "--json")

    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("CREATE TABLE t (a int); CREATE INDEX i ON t (a);", ""),
        ("ALTER TABLE t ADD COLUMN b int;", ""),
        ("CREATE OR REPLACE FUNCTION f() RETURNS void AS $$ DELETE FROM t $$ LANGUAGE sql;", ""),
        ("-- DROP TABLE t is for later\nCREATE TABLE u ();", ""),
        ("ALTER TABLE t DROP COLUMN b;", "DROP"),
        ("ALTER TABLE t RENAME TO u;", "RENAME"),
        ("ALTER TABLE t ALTER  COLUMN b SET NOT NULL;", "ALTER COLUMN"),
        ("TRUNCATE t;", "TRUNCATE"),
    ],
)
def test_a_file_of_sql_is_read_for_what_it_takes_away(sql, found):
    assert takes_away(sql) == found


@pytest.mark.parametrize(
    ("operation", "adds"),
    [
        (migrations.CreateModel("t", []), True),
        (migrations.AddField("t", "a", models.TextField(null=True)), True),
        (migrations.AddField("t", "a", models.TextField(db_default="")), True),
        (
            migrations.AddField(
                "t",
                "a",
                models.GeneratedField(expression=models.F("b"), output_field=models.TextField(), db_persist=True),
            ),
            True,
        ),
        # The code of before inserts without it, and the database has no default of its own.
        (migrations.AddField("t", "a", models.TextField(default="")), False),
        (migrations.AlterField("t", "a", models.TextField()), False),
        (migrations.RemoveField("t", "a"), False),
        (migrations.RenameField("t", "a", "b"), False),
        (migrations.DeleteModel("t"), False),
        (migrations.AlterModelTable("t", "u"), False),
        (migrations.RunPython(lambda *_: None), False),
        (migrations.RunSQL("CREATE INDEX i ON t (a)"), True),
        (migrations.RunSQL("DROP TABLE t"), False),
    ],
)
def test_an_operation_of_django_s_only_adds_or_does_not(operation, adds):
    assert _adds(operation) is adds


@pytest.fixture
def shelf(tmp_path):
    """An installation of a room `shelf` of its own, whose first files and migrations have run."""
    with installations(tmp_path) as begin:
        found = begin(shards=4)
        rooms = '"django.contrib.contenttypes", "sharding", "monitoring", "shelf"'
        settings_file = tmp_path / "shelf_settings.py"
        settings_file.write_text(settings_file.read_text().replace('"sharding", "shelf"', rooms))
        (tmp_path / "shelf" / "migrations").mkdir()
        (tmp_path / "shelf" / "migrations" / "__init__.py").touch()
        migration(found, "0001_first", None, 'migrations.RunSQL("CREATE TABLE old (a int)")')
        manage(found, "migrate", "-v0")
        found.shards("create")
        yield found


def manage(shelf, *words):
    process = shelf.start(*words)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    return out


def migration(shelf, name, after, operation):
    text = (
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        f"    dependencies = {[('shelf', after)] if after else []}\n    operations = [{operation}]\n"
    )
    (shelf.folder / "shelf" / "migrations" / f"{name}.py").write_text(text)


def test_what_only_adds_runs_alone_and_what_takes_away_is_still_to_come(shelf):
    migration(shelf, "0002_new", "0001_first", 'migrations.RunSQL("CREATE TABLE new (a int)")')
    migration(shelf, "0003_gone", "0002_new", 'migrations.RunSQL("DROP TABLE old")')
    shelf.file("logical/0002_pages.sql", "ALTER TABLE shelf_book ADD COLUMN shelf int;")
    shelf.file("logical/0003_less.sql", "ALTER TABLE shelf_book DROP COLUMN pages;")

    ran = manage(shelf, "pending_migrations", "--run-additive").strip()

    assert ran == "shelf.0002_new, shelf/logical/0002_pages"
    assert (shelf.tables("main", "old"), shelf.tables("main", "new")) == ({"public.old"}, {"public.new"})
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'shelf_book' AND table_schema = %s"
    for server, schema in (("shard_a", "s0000"), ("shard_b", "s0003")):
        assert {("shelf",), ("pages",)} <= set(shelf.ask(server, columns, schema))
    left = json.loads(manage(shelf, "pending_migrations", "--json"))
    assert [(each["name"], each["kind"]) for each in left] == [
        ("shelf.0003_gone", "contract"),
        ("shelf/logical/0003_less", "contract"),
    ]
    shelf.shards("migrate")
    assert ("pages",) not in shelf.ask("shard_a", columns, "s0000")


def test_what_adds_behind_what_takes_away_says_so_and_waits(shelf):
    migration(shelf, "0002_gone", "0001_first", 'migrations.RunSQL("DROP TABLE old")')
    migration(shelf, "0003_again", "0002_gone", 'migrations.RunSQL("CREATE TABLE old (b int)")')
    shelf.file("logical/0002_less.sql", "ALTER TABLE shelf_book DROP COLUMN pages;")
    shelf.file("logical/0003_pages.sql", "ALTER TABLE shelf_book ADD COLUMN pages text;")

    found = {each["name"]: each["after"] for each in json.loads(manage(shelf, "pending_migrations", "--json"))}

    assert found["shelf.0003_again"] == "shelf.0002_gone"
    assert found["shelf/logical/0003_pages"] == "shelf/logical/0002_less"
    assert manage(shelf, "pending_migrations", "--run-additive").strip() == "none"
