"""fab backup, restore, drill: manage.py's verbs of that name on the database hosts, side by side, as one.

Each database host deals with the servers it holds (BACKUP_SERVERS in its shared/env; docs/backup.md).
"""

from shlex import quote

from fabric import task
from invoke import Context, Exit
from rich.console import Console
from rich.table import Table

from deploy import inventory
from deploy.inventory import Host
from deploy.manage import command
from deploy.remote import Answer, Fleet, failed

#: Seconds that a host may take: a full copy of a large server.
LONG_S = 12 * 3_600.0
console = Console(highlight=False, soft_wrap=True)


def manage(host: Host, *words: str) -> str:
    """Return the line that runs manage.py of the release that runs, as the account of PostgreSQL where there is one."""
    line = command(host, "current", *words)
    return line if host.services == "processes" else f"sudo -n -u postgres bash -c {quote(line)}"


def _fleet(dry: bool = False) -> Fleet:
    try:
        return Fleet(inventory.load(), dry=dry)
    except inventory.InventoryError as error:
        raise Exit(str(error), code=2) from error


def _hosts(fleet: Fleet, names: str) -> list[Host]:
    try:
        found = fleet.inventory.chosen(names) if names else fleet.inventory.with_role("db")
    except inventory.InventoryError as error:
        raise Exit(str(error), code=2) from error
    if not found:
        raise Exit(f"{fleet.inventory.path}: there is no database host", code=2)
    return found


def _show(answers: list[Answer]) -> None:
    table = Table("host", "", "said")
    for each in answers:
        table.add_row(each.host.name, "ok" if each.ok else "FAILED", each.text)
    console.print(table)
    if bad := failed(answers):
        raise Exit(f"it did not work on {', '.join(each.host.name for each in bad)}", code=1)


@task(
    help={
        "hosts": "names, default: all of role db",
        "full": "copy everything, not only what changed",
        "mark": "copy nothing: bring the archive up to this moment",
        "dry-run": "only say what would be run",
    }
)
def backup(_c: Context, hosts: str = "", full: bool = False, mark: bool = False, dry_run: bool = False) -> None:
    """Back up every database host, the photo map and the list of photos. Nightly by itself; docs/backup.md."""
    fleet = _fleet(dry_run)
    words = ["backup", *(["--full"] if full else []), *(["--mark"] if mark else [])]
    answers = fleet.run(_hosts(fleet, hosts), lambda host: manage(host, *words), seconds=LONG_S)
    fleet.close()
    _show(answers)


@task(
    help={
        "to": 'the moment, "2026-11-26 14:03:00+00"; without a zone UTC',
        "hosts": "names, default: all of role db",
        "in-place": "the servers themselves, not copies beside them: what came after the moment is gone",
        "yes": "with --in-place: mean it",
        "remove": "stop the copies and delete them",
        "dry-run": "ask every host what it would do",
    }
)
def restore(  # noqa: PLR0917  # fab makes options of them
    _c: Context,
    to: str = "",
    hosts: str = "",
    in_place: bool = False,
    yes: bool = False,
    remove: bool = False,
    dry_run: bool = False,
) -> None:
    """Take all database servers, or copies of them, back to one moment. In place: fab maintenance --on before."""
    if not to and not remove:
        raise Exit('--to says the moment, for example --to "2026-11-26 14:03:00+00".', code=2)
    if in_place and not (yes or dry_run):
        raise Exit("--in-place loses what came after the moment; add --yes to mean it.", code=2)
    fleet = _fleet()
    chosen = _hosts(fleet, hosts)
    if remove:
        answers = fleet.run(chosen, lambda host: manage(host, "restore", "--remove"))
    else:
        # Every host first says that it can: one that cannot must not be found out with the others taken back.
        answers = fleet.run(chosen, lambda host: manage(host, "restore", "--to", to, "--dry-run"), seconds=120)
        if not dry_run and not failed(answers):
            # Healing crosses servers: once, when all of them are there.
            more = ["--in-place", "--yes", "--no-heal"] if in_place else []
            answers = fleet.run(chosen, lambda host: manage(host, "restore", "--to", to, *more), seconds=LONG_S)
            if in_place and not failed(answers):
                answers += fleet.run(
                    chosen[:1], lambda host: manage(host, "restore", "--to", to, "--heal"), seconds=LONG_S
                )
    fleet.close()
    _show(answers)


@task(help={"hosts": "names, default: all of role db", "dry-run": "only say what would be run"})
def drill(_c: Context, hosts: str = "", dry_run: bool = False) -> None:
    """Restore the latest backup into scratch servers, compare every table, open photos; say what is proven."""
    fleet = _fleet(dry_run)
    answers = fleet.run(_hosts(fleet, hosts), lambda host: manage(host, "drill"), seconds=LONG_S)
    fleet.close()
    _show(answers)
