"""Making a replica anew: what everybody on the machine can read of it."""

import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings
from psycopg2.extensions import parse_dsn

from instagram.topology import Node
from recovery.failover import rebuild
from recovery.failover.sites import FailoverError


class Machine:
    """A node whose programs of PostgreSQL do nothing; it remembers what scripts it was given."""

    keeps_role = False

    def __init__(self, folder: Path) -> None:
        self.node = Node("db-b1", "127.0.0.1", 5432)
        self.data, self.config, self.binaries = str(folder / "data"), "", str(folder)
        self.words: list[str] = []

    def sql(self, *_words: object, **_options: object) -> list[tuple]:
        return []

    def shell(self, script: str, *, seconds: float = 60.0, secret: str = "") -> str:
        self.words.append(script)
        done = subprocess.run(["bash", "-c", script], input=secret, capture_output=True, text=True, check=False)
        if done.returncode:
            raise FailoverError(done.stdout + done.stderr)
        return done.stdout

    def say(self, _words: str) -> None:
        pass


def value_of(name: str, configuration: str) -> str:
    """Return a setting as PostgreSQL reads it in its files: between quotes, a doubled one or one after \\ is one."""
    (quoted,) = re.findall(rf"^{name} = '(.*)'$", configuration, re.MULTILINE)
    return re.sub(r"\\(.)|'(')", lambda found: found[1] or found[2], quoted)


@pytest.mark.parametrize("how", ["pg_rewind", "pg_basebackup"])
def test_the_password_of_replication_is_in_no_script_and_reaches_programs_and_configuration(
    tmp_path: Path, how: str
) -> None:
    machine = Machine(tmp_path)
    for name, code in (("pg_rewind", int(how != "pg_rewind")), ("pg_basebackup", 0)):
        program = (
            f'#!/bin/bash\n[ {name} = pg_rewind ] || mkdir "$2"\necho "$PGPASSWORD" >{tmp_path}/given\nexit {code}\n'
        )
        (tmp_path / name).write_text(program)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").touch()
    kept = "max_connections = 7"
    if how == "pg_rewind":
        (tmp_path / "data" / "postgresql.auto.conf").write_text(f"primary_slot_name = 'old'\n{kept}\n")

    with override_settings(DB_REPLICATION_PASSWORD="it's p&\\1$HOME"):
        assert rebuild._copy(machine, machine, machine) == how
        assert (tmp_path / "given").read_text() == f"{settings.DB_REPLICATION_PASSWORD}\n"
        assert not any(settings.DB_REPLICATION_PASSWORD in script for script in machine.words)
        configuration = (tmp_path / "data" / "postgresql.auto.conf").read_text()
        assert parse_dsn(value_of("primary_conninfo", configuration))["password"] == settings.DB_REPLICATION_PASSWORD

    assert ("primary_slot_name = 'db_b1'" in configuration, "'old'" in configuration) == (True, False)
    assert (kept in configuration) == (how == "pg_rewind")
    assert (tmp_path / "data" / "standby.signal").exists()
