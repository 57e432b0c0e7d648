"""Pending migrations, told apart: those that only add, and those that take away what older code needs."""

import json

import pytest
from django.core.management import call_command
from django.db import migrations, models

from monitoring.pending import _adds, takes_away


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
