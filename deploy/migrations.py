"""Migrations around a deploy: those that only add run before any host turns, those that take away afterwards.

`manage.py pending_migrations` of the release says what is pending and which kind each is.
"""

import json
from collections.abc import Callable

from deploy.inventory import Host
from deploy.remote import Fleet


class MigrationError(Exception):
    """Migrations were not run, or did not end well; the sentence says which."""


def expand(fleet: Fleet, release: str, *, contract: bool, say: Callable[[str], None]) -> list[str]:
    """Run pending migrations that only add; return the names of those that take away and wait.

    release: whose; "current" for what runs. Raises MigrationError when some take away and `contract` is not asked for.
    """
    pending = _pending(fleet, release)
    taking = [each for each in pending if each["kind"] == "contract"]
    if taking and not contract:
        shown = "; ".join(f"{each['name']} ({each['why']})" for each in taking)
        raise MigrationError(
            f"migrations take something away that hosts may still need: {shown}."
            " Deploy code that does without it first, then --contract"
        )
    if not pending:
        say("migrations: none pending")
    elif not taking:
        say(f"migrations: {', '.join(each['name'] for each in pending)}")
        _run(fleet, release)
    else:
        say(f"migrations: {len(pending)} wait until every host runs the release")
    return [each["name"] for each in taking]


def contract(fleet: Fleet, release: str, *, say: Callable[[str], None]) -> None:
    """Run all pending migrations, now that every host runs the release. Raises MigrationError."""
    _run(fleet, release)
    say("migrations: all done")


def _host(fleet: Fleet) -> Host:
    return fleet.inventory.with_role("app", "worker")[0]


def _manage(host: Host, release: str, words: str) -> str:
    folder = f"{host.base}/current" if release == "current" else f"{host.base}/releases/{release}"
    return f"set -a; . {host.base}/shared/env 2>/dev/null; set +a; cd {folder} && .venv/bin/python manage.py {words}"


def _pending(fleet: Fleet, release: str) -> list[dict[str, str]]:
    if fleet.dry and release != "current":
        return []  # it was not shipped: nobody can be asked
    host = _host(fleet)
    answer = fleet.read([host], lambda _: _manage(host, release, "pending_migrations --json"), seconds=120)[0]
    if not answer.ok:
        raise MigrationError(f"{host.name} cannot say which migrations are pending: {answer.text[-300:]}")
    found: list[dict[str, str]] = json.loads(answer.text.splitlines()[-1])
    return found


def _run(fleet: Fleet, release: str) -> None:
    host = _host(fleet)
    for words in ("migrate --noinput", "shards migrate"):
        command = _manage(host, release, words)
        answer = fleet.run([host], lambda _: command, seconds=3_600)[0]  # noqa: B023  # it is run before the next one
        if not answer.ok:
            raise MigrationError(f"{host.name}: manage.py {words}: {answer.text[-300:]}")
