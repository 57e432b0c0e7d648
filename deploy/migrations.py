"""Migrations around a deploy: those that only add run before any host turns, those that take away afterwards.

`manage.py pending_migrations` of the release says what is pending and which kind each is.
"""

import json
from collections.abc import Callable

from deploy.manage import keeper, manage
from deploy.remote import Fleet


class MigrationError(Exception):
    """Migrations were not run, or did not end well; the sentence says which."""


def first(fleet: Fleet, release: str, *, say: Callable[[str], None]) -> None:
    """Make every table and logical shard: nothing runs yet that anything could be taken away from."""
    say("migrations: all, and the logical shards: nothing runs yet")
    _run(fleet, release, "create")


def expand(fleet: Fleet, release: str, *, contract: bool, say: Callable[[str], None]) -> list[str]:
    """Run pending migrations that only add; return the names of those that take away and wait.

    release: whose; "current" for what runs. Raises MigrationError when some take away and `contract` is not asked for,
    or when one that only adds must come after one of those: the release needs it before, what runs needs it gone after.
    """
    pending = _pending(fleet, release)
    taking = [each for each in pending if each["kind"] == "contract"]
    if taking and not contract:
        shown = "; ".join(f"{each['name']} ({each['why']})" for each in taking)
        raise MigrationError(
            f"migrations take something away that hosts may still need: {shown}."
            " Deploy code that does without it first, then --contract"
        )
    if late := [each for each in pending if each.get("after")]:
        shown = "; ".join(f"{each['name']} after {each['after']}" for each in late)
        raise MigrationError(
            f"some migrations add what can only be there once another took something away: {shown}."
            " Deploy a commit with only the latter first, with --contract"
        )
    if not pending:
        say("migrations: none pending")
    if adding := [each["name"] for each in pending if each not in taking]:
        say(f"migrations: {', '.join(adding)}")
        _manage(fleet, release, "pending_migrations", "--run-additive")
    if taking:
        say(f"migrations: {len(taking)} wait until every host runs the release")
    return [each["name"] for each in taking]


def contract(fleet: Fleet, release: str, *, say: Callable[[str], None]) -> None:
    """Run all pending migrations, now that every host runs the release. Raises MigrationError."""
    _run(fleet, release)
    say("migrations: all done")


def _pending(fleet: Fleet, release: str) -> list[dict[str, str]]:
    if fleet.dry and release != "current":
        return []  # it was not shipped: nobody can be asked
    said = manage(fleet, keeper(fleet), "pending_migrations", "--json", release=release, read=True)
    if not said.ok:
        raise MigrationError(f"{said.host.name} cannot say which migrations are pending: {said.text[-300:]}")
    found: list[dict[str, str]] = json.loads(said.text.splitlines()[-1])
    return found


def _run(fleet: Fleet, release: str, shards: str = "migrate") -> None:
    for words in (("migrate", "--noinput"), ("shards", shards)):
        _manage(fleet, release, *words)


def _manage(fleet: Fleet, release: str, *words: str) -> None:
    said = manage(fleet, keeper(fleet), *words, release=release, seconds=3_600)
    if not said.ok:
        raise MigrationError(f"{said.host.name}: manage.py {' '.join(words)}: {said.text[-300:]}")
