"""fab backup, restore, drill: manage.py's verbs of that name on the database hosts, side by side, as one.

Each database host deals with the servers it holds (BACKUP_SERVERS in its shared/site.env; docs/backup.md).
"""

from shlex import quote

from fabric import task
from invoke import Context, Exit

from deploy.desk import chosen, fleet_of, show
from deploy.inventory import Host
from deploy.manage import command
from deploy.remote import failed

#: Seconds that a host may take: a full copy of a large server.
LONG_S = 12 * 3_600.0


def manage(host: Host, *words: str) -> str:
    """Return the line that runs manage.py of the release that runs, as the account of PostgreSQL where there is one."""
    line = command(host, "current", *words)
    return line if host.services == "processes" else f"sudo -n -u postgres bash -c {quote(line)}"


@task(
    help={
        "hosts": "names or roles, default: db",
        "full": "copy everything, not only what changed",
        "mark": "copy nothing: bring the archive up to this moment",
        "dry-run": "only say what would be run",
    }
)
def backup(_c: Context, hosts: str = "", full: bool = False, mark: bool = False, dry_run: bool = False) -> None:
    """Back up every database host, the photo map and the list of photos. Nightly by itself; docs/backup.md."""
    fleet = fleet_of(dry=dry_run)
    words = ["backup", *(["--full"] if full else []), *(["--mark"] if mark else [])]
    answers = fleet.run(chosen(fleet, hosts, "db"), lambda host: manage(host, *words), seconds=LONG_S)
    fleet.close()
    show(answers)


@task(
    help={
        "to": 'the moment, "2026-11-26 14:03:00+00"; without a zone UTC',
        "hosts": "names or roles, default: db",
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
    fleet = fleet_of(dry=dry_run and remove)  # to restore has a dry run of its own
    picked = chosen(fleet, hosts, "db")
    if remove:
        answers = fleet.run(picked, lambda host: manage(host, "restore", "--remove"))
    else:
        # Every host first says that it can: one that cannot must not be found out with the others taken back.
        answers = fleet.run(picked, lambda host: manage(host, "restore", "--to", to, "--dry-run"), seconds=120)
        if not dry_run and not failed(answers):
            # Healing crosses servers: once, when all of them are there.
            more = ["--in-place", "--yes", "--no-heal"] if in_place else []
            answers = fleet.run(picked, lambda host: manage(host, "restore", "--to", to, *more), seconds=LONG_S)
            if in_place and not failed(answers):
                answers += fleet.run(
                    picked[:1], lambda host: manage(host, "restore", "--to", to, "--heal"), seconds=LONG_S
                )
    fleet.close()
    show(answers)


@task(help={"hosts": "names or roles, default: db", "dry-run": "only say what would be run"})
def drill(_c: Context, hosts: str = "", dry_run: bool = False) -> None:
    """Restore the latest backup into scratch servers, compare every table, open photos; say what is proven."""
    fleet = fleet_of(dry=dry_run)
    answers = fleet.run(chosen(fleet, hosts, "db"), lambda host: manage(host, "drill"), seconds=LONG_S)
    fleet.close()
    show(answers)
