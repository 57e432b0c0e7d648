"""Migrations that have not run yet, each told apart: does it only add, or does it take away what older code needs?

A deploy runs the first kind before any host turns, beside the code of before; the second kind only when no host runs
that code any more (expand and contract). When in doubt, a migration takes away.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.core.management import call_command
from django.db import connection
from django.db.migrations import operations as ops
from django.db.migrations.executor import MigrationExecutor

from sharding import all_servers
from sharding.schema import LOCAL, applied, direct, migrate, steps

_KINDS = ("local", "logical")

#: Statements that older code may not survive. What stands in a comment or in a function's body does not count, nor does
#: a function that is dropped to be made anew.
_TAKING = re.compile(
    r"\bDROP\s+(?!FUNCTION IF EXISTS)|\bRENAME\b|\bALTER\s+COLUMN\b|\bSET\s+NOT\s+NULL\b|\bTRUNCATE\b"
    r"|\bDELETE\s+FROM\b",
    re.I,
)
_COMMENT = re.compile(r"--[^\n]*")
_BODY = re.compile(r"\$(\w*)\$.*?\$\1\$", re.S)
_ADDING = (
    ops.CreateModel,
    ops.AddIndex,
    ops.AddConstraint,
    ops.AlterModelOptions,
    ops.AlterModelManagers,
)


class MigrationFailed(Exception):
    """Files of the shards did not run; the sentence says which and why."""


@dataclass(frozen=True)
class Pending:
    """One migration. why: what it does that makes it the kind it is.

    after: of one that only adds, the pending one that takes away and must run before it; empty for none.
    """

    name: str
    kind: Literal["expand", "contract"]
    why: str
    after: str = ""


def pending() -> list[Pending]:
    """Return what has not run: Django's on main, then SQL files of the shards. Cost: one query a server."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    found = {(migration.app_label, migration.name): _of_django(migration) for migration, _ in plan}
    for key, each in found.items():
        before = executor.loader.graph.forwards_plan(key)
        found[key] = _placed(each, [found[other] for other in before if other != key and other in found])
    return [*found.values(), *_of_shards()]


def run_additive() -> list[str]:
    """Run what only adds and must wait for nothing that takes away; return its names.

    Raises MigrationFailed, and what Django's migrate raises.
    """
    wanted = [each.name for each in pending() if each.kind == "expand" and not each.after]
    last = dict(name.split(".", 1) for name in wanted if "/" not in name)  # of each app: they come in their order
    for app, name in last.items():
        call_command("migrate", app, name, interactive=False, verbosity=0)
    files = {name for name in wanted if "/" in name}
    if files:
        outcomes = migrate(only=lambda step: bool({f"{step.room}/{kind}/{step.name}" for kind in _KINDS} & files))
        if failed := [f"{name}: {why}" for outcome in outcomes for name, why in outcome.failed.items()]:
            raise MigrationFailed("; ".join(failed))
    return wanted


def _placed(each: Pending, before: list[Pending]) -> Pending:
    """Return a migration with what it must wait for, of those that run before it."""
    taking = next((other.name for other in before if other.kind == "contract"), "")
    return replace(each, after=taking) if each.kind == "expand" else each


def _of_django(migration: Any) -> Pending:
    taking = [operation.describe() for operation in migration.operations if not _adds(operation)]
    name = f"{migration.app_label}.{migration.name}"
    if taking:
        return Pending(name, "contract", "; ".join(taking))
    return Pending(name, "expand", "; ".join(operation.describe() for operation in migration.operations) or "nothing")


def _adds(operation: Any) -> bool:
    if isinstance(operation, ops.AddField):
        # Older code inserts without the column: the database itself must know what to put there.
        field = operation.field
        return bool(field.null or field.has_db_default() or field.many_to_many or field.generated)
    if isinstance(operation, ops.SeparateDatabaseAndState):
        return all(_adds(each) for each in operation.database_operations)
    if isinstance(operation, ops.RunSQL):
        return isinstance(operation.sql, str) and not takes_away(operation.sql)
    return isinstance(operation, _ADDING)


def takes_away(sql: str) -> str:
    """Return the first statement of an SQL file that takes something away, empty when it only adds."""
    found = _TAKING.search(_BODY.sub("", _COMMENT.sub("", sql)))
    return " ".join(found[0].split()).upper() if found else ""


def _of_shards() -> list[Pending]:
    found: dict[str, Pending] = {}
    for server in all_servers():
        with direct(server) as link, link.cursor() as cursor:
            versions = applied(cursor)
        for kind in _KINDS:
            numbers = [LOCAL] if kind == "local" else [number for number in versions if number != LOCAL]
            for step in steps(kind):
                if all((step.room, step.name) in versions.get(number, {}) for number in numbers):
                    continue
                why = takes_away(step.text)
                name = f"{step.room}/{kind}/{step.name}"
                found[name] = Pending(name, "contract" if why else "expand", why.lower() or "adds only")
    # Files of one room build on each other, those of the schema `local` with those of the shards.
    rooms = {name: [other for other in found.values() if _comes_before(other.name, name)] for name in found}
    return [_placed(each, rooms[name]) for name, each in found.items()]


def _comes_before(other: str, name: str) -> bool:
    """Return whether a file of the shards is of the same room as another, and may be what that builds on."""
    (its_room, its_kind, its_name), (room, kind, file) = other.split("/"), name.split("/")
    return its_room == room and (its_kind != kind or its_name < file)
