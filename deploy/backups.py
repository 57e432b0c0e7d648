"""fab backup, restore, drill: manage.py's verbs of that name on the database hosts, side by side, as one.

Each database host deals with the servers it holds (BACKUP_SERVERS in its shared/site.env; docs/backup.md).
A restore in place stops our own units on all hosts meanwhile: what a worker reads on one server and writes on another
must be of one moment.
"""

from shlex import quote

from fabric import task
from invoke import Context, Exit

from deploy.desk import chosen, fleet_of, say, show
from deploy.inventory import Host
from deploy.manage import command
from deploy.remote import Answer, Fleet, failed

#: Seconds that a host may take: a full copy of a large server.
LONG_S = 12 * 3_600.0
#: Seconds for a host's units to finish what they have in hand, and for them to start.
UNITS_S = 90.0


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
    """Take all database servers, or copies of them, back to one moment. In place: fab maintenance --on before.

    In place the units of all hosts are stopped first and started when it is healed; if it breaks off they stay stopped.
    """
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
        if in_place and dry_run:
            say(f"would stop our units meanwhile on {', '.join(host.name for host in _with_units(fleet))}")
        if not dry_run and not failed(answers):
            if in_place:
                answers = _in_place(fleet, picked, to)
            else:
                answers = fleet.run(picked, lambda host: manage(host, "restore", "--to", to), seconds=LONG_S)
    fleet.close()
    show(answers)


def _in_place(fleet: Fleet, picked: list[Host], to: str) -> list[Answer]:
    """Stop our own units everywhere, take the servers back, heal, start the units; return what each host said last."""
    answers = _units(fleet, "stop")
    if failed(answers):
        _units(fleet, "start")
        say("nothing was taken back: what still runs would write beside it; a host that is off leaves the inventory")
        return answers
    words = ("restore", "--to", to, "--in-place", "--yes", "--no-heal")
    answers = fleet.run(picked, lambda host: manage(host, *words), seconds=LONG_S)
    if not failed(answers):
        # Healing crosses servers: once, when all of them are there.
        answers += fleet.run(picked[:1], lambda host: manage(host, "restore", "--to", to, "--heal"), seconds=LONG_S)
    if failed(answers):
        say("half a restore is no service: our units stay stopped; mend it and run the same again")
        return answers
    return answers + _units(fleet, "start")


def _units(fleet: Fleet, verb: str) -> list[Answer]:
    """Start or stop everything of ours on every host that runs some: web, workers, relay, canary, watch, guard."""
    return fleet.run(_with_units(fleet), lambda host: _each_unit(host, verb), seconds=UNITS_S)


def _with_units(fleet: Fleet) -> list[Host]:
    return [host for host in fleet.inventory.hosts.values() if host.units]


def _each_unit(host: Host, verb: str) -> str:
    """Return a line for the host's shell: all units side by side, and whether each did."""
    service = f"{quote(host.base)}/current/deploy/host/service"
    asked = (
        f"sudo -n systemctl {verb} instagram@{quote(unit)}"
        if host.services == "systemd"
        else f"{service} {quote(unit)} {verb}"
        for unit in host.units
    )
    begun = " ".join(f'{line} & pids="$pids $!";' for line in asked)
    return f"pids=; {begun} for p in $pids; do wait $p || exit 1; done"


@task(help={"hosts": "names or roles, default: db", "dry-run": "only say what would be run"})
def drill(_c: Context, hosts: str = "", dry_run: bool = False) -> None:
    """Restore the latest backup into scratch servers, compare every table, open photos; say what is proven."""
    fleet = fleet_of(dry=dry_run)
    answers = fleet.run(chosen(fleet, hosts, "db"), lambda host: manage(host, "drill"), seconds=LONG_S)
    fleet.close()
    show(answers)
