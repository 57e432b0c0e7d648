"""Verbs of an operator: `cd deploy && fab --list`.

They speak to the data centre on this machine, the one bin/up starts; with `-H host,host` to the clone at $CLONE
on each of these hosts, over SSH.
"""

import os
from pathlib import Path
from shlex import quote

from fabric import task
from invoke import Context, Exit

#: Where the clone is: on this machine the one this file is in, on others where $CLONE says.
CLONE = Path(os.environ.get("CLONE", Path(__file__).resolve().parents[1]))


def _in_clone(c: Context, command: str) -> None:
    """Run one of the clone's commands, here or on the host that -H names. Raises Exit with its exit code."""
    result = c.run(f"cd {quote(str(CLONE))} && {command}", warn=True)
    if result is None or result.failed:
        raise Exit(code=result.exited if result else 1)


@task
def up(c: Context) -> None:
    """Start everything that does not run; changes nothing when all is there."""
    _in_clone(c, "bin/up")


@task
def down(c: Context) -> None:
    """Stop exactly what bin/up started."""
    _in_clone(c, "bin/down")


@task
def status(c: Context) -> None:
    """Show every component with port, pid, health and restarts; exit code 1 when one is not well."""
    _in_clone(c, "bin/up --status")


@task
def migrate(c: Context) -> None:
    """Bring every logical shard to this release's schema version; repeats and goes on after an interruption."""
    _in_clone(c, ".local/venv/bin/python manage.py shards migrate")
