"""Verbs of an operator: `cd deploy && fab --list`; `fab --help VERB` tells more.

Hosts and roles stand in the inventory (deploy/inventory.example.toml): deploy/inventory.toml, or the file that
INVENTORY names. Verbs that change something take --dry-run: they look at every host, then say what they would do.
Exit code 1: it did not work somewhere, the table says where; 2: it was not begun.
"""

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fabric import task
from invoke import Collection, Context, Exit
from rich.console import Console
from rich.table import Table

from deploy import artifact, balancer, inventory, migrations, preflight, record, rollout
from deploy import provision as provisioning
from deploy.backups import backup, drill, restore
from deploy.inventory import Host
from deploy.promotion import promote
from deploy.remote import Answer, Fleet, failed

console = Console(highlight=False, soft_wrap=True)
_SENTENCES = (
    inventory.InventoryError,
    artifact.BuildError,
    record.Locked,
    ConnectionError,
)


def _fleet(dry: bool = False) -> Fleet:
    try:
        return Fleet(inventory.load(), dry=dry, say=_say)
    except inventory.InventoryError as error:
        raise Exit(str(error), code=2) from error


def _say(words: str) -> None:
    console.print(words, markup=False)


def _hosts(fleet: Fleet, names: str, *default: str) -> list[Host]:
    try:
        chosen = fleet.inventory.chosen(names) if names else fleet.inventory.with_role(*(default or inventory.ROLES))
    except inventory.InventoryError as error:
        raise Exit(str(error), code=2) from error
    if not chosen:
        raise Exit(f"{fleet.inventory.path}: there is no host for this", code=2)
    return chosen


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _show(answers: Iterable[Answer]) -> None:
    """Print a line for each host; raise Exit when it did not work on one."""
    answers = list(answers)
    _table(("host", "", "said"), ((each.host.name, "ok" if each.ok else "FAILED", each.text) for each in answers))
    if bad := failed(answers):
        raise Exit(f"it did not work on {', '.join(each.host.name for each in bad)}", code=1)


def _deployed(fleet: Fleet, what: str, go: Callable[[rollout.Rollout], tuple[str, str]]) -> None:
    """Run `go` under the lock, write down what came of it, show the table of hosts. go: returns (release, before)."""
    moving = rollout.Rollout(fleet, _say)
    outcome, why, release, before = "done", "", what, ""
    try:
        with record.lock(fleet, what):
            try:
                release, before = go(moving)
            except (rollout.RolloutError, balancer.BalancerError, migrations.MigrationError) as error:
                outcome = "rolled back" if getattr(error, "went_back", False) else "failed"
                why = str(error)
            if not fleet.dry:
                record.note(
                    fleet,
                    record.Deployment(
                        release=release,
                        before=before,
                        who=record.me(),
                        at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
                        seconds=moving.seconds(),
                        outcome=outcome,
                        hosts=len(moving.hosts),
                        why=why,
                    ),
                )
    except _SENTENCES as error:
        raise Exit(str(error), code=2) from error
    finally:
        fleet.close()
    said = moving.progress
    _table(
        ("host", "", "said"), ((name, "FAILED" if name in said.bad else "ok", text) for name, text in said.said.items())
    )
    if outcome != "done":
        raise Exit(f"{outcome} after {moving.seconds()} s: {why}", code=1)
    _say(f"{'would be ' if fleet.dry else ''}done after {moving.seconds()} s")


@task(
    help={
        "revision": "the commit to build, default HEAD; uncommitted changes do not go out",
        "release": "instead: the name of a release that was built before",
        "contract": "also run migrations that take something away: only once no host runs code that needs it",
        "dry-run": "look at every host and say what would be done",
    }
)
def deploy(
    _c: Context, revision: str = "HEAD", release: str = "", contract: bool = False, dry_run: bool = False
) -> None:
    """Put a commit on every app and worker host: canary first, then batches, back by itself when it is not well.

    Migrations that only add run before; those that take away are refused without --contract and then run at the end.
    """
    fleet = _fleet(dry_run)

    def go(moving: rollout.Rollout) -> tuple[str, str]:
        built = artifact.find(release) if release else artifact.build(revision)
        _say(f"release {built.name}, {built.file.stat().st_size // 1024} kB")
        facts = moving.check()
        before = {name: each.current for name, each in facts.items()}
        moving.ship(built, facts)
        later = migrations.expand(fleet, built.name, contract=contract, say=_say)
        moving.turn(built.name, before)
        if later and contract:
            migrations.contract(fleet, built.name, say=_say)
        moving.prune()
        return built.name, next(iter(before.values()), "")

    _deployed(fleet, "deploy", go)


@task(
    help={
        "to": "the release to go back to, default: what each host ran before",
        "dry-run": "only say what would be done",
    }
)
def rollback(_c: Context, to: str = "", dry_run: bool = False) -> None:
    """Go back to the release before, in the same batches; migrations stay, since they only added."""
    fleet = _fleet(dry_run)

    def go(moving: rollout.Rollout) -> tuple[str, str]:
        facts = moving.check()
        target = to or next((each.previous for each in facts.values() if each.previous), "")
        if not target:
            raise rollout.RolloutError("nothing was changed; no host knows a release before this one")
        if lacking := [name for name, each in facts.items() if target not in each.releases]:
            raise rollout.RolloutError(f"nothing was changed; {target} is not on {', '.join(lacking)}")
        before = {name: each.current for name, each in facts.items()}
        moving.turn(target, before)
        return target, next(iter(before.values()), "")

    _deployed(fleet, f"rollback {to}".strip(), go)


@task(help={"hosts": "names or roles, separated by commas; default: all"})
def status(_c: Context, hosts: str = "") -> None:
    """Show each host: release, units, what the load balancers send it; and the latest deployments."""
    fleet = _fleet()
    chosen = _hosts(fleet, hosts)
    facts = {each.host.name: each for each in preflight.look(fleet, [host for host in chosen if host.units])}
    try:
        traffic = balancer.Balancers(fleet).traffic()
    except balancer.BalancerError as error:
        traffic = {}
        _say(str(error))
    units = {
        each.host.name: each.text.replace("\n", " ")
        for each in fleet.read([h for h in chosen if h.units], _unit_states)
    }
    rows = []
    for host in chosen:
        known, seen = facts.get(host.name), traffic.get(host.name)
        rows.append(
            (
                host.name,
                " ".join(host.roles),
                (known.current if known else "") or "-",
                units.get(host.name, "-"),
                f"{seen.state}, {seen.answers} answers, {seen.errors} errors" if seen else "-",
                known.problem if known else "",
            )
        )
    _table(("host", "roles", "release", "units", "load balancer", "problem"), rows)
    _history(fleet)
    fleet.close()
    if any(row[-1] for row in rows):
        raise Exit(code=1)


def _unit_states(host: Host) -> str:
    def one(unit: str) -> str:
        if host.services == "systemd":
            return f"echo {unit}=$(systemctl is-active instagram@{unit})"
        return f"echo {unit}=$({host.base}/current/deploy/host/service {unit} status 2>/dev/null || true)"

    return "; ".join(map(one, host.units))


@task
def history(_c: Context) -> None:
    """Show who deployed what and when, how long it took and how it ended."""
    fleet = _fleet()
    _history(fleet)
    fleet.close()


def _history(fleet: Fleet) -> None:
    past = record.history(fleet)
    _table(
        ("at", "who", "release", "before", "took", "outcome", "why"),
        ((d.at, d.who, d.release, d.before, f"{d.seconds} s", d.outcome, d.why[:80]) for d in past),
    )


@task(help={"dry-run": "only say who holds it"})
def unlock(_c: Context, dry_run: bool = False) -> None:
    """Take away the lock of a deploy that was broken off."""
    fleet = _fleet(dry_run)
    _say(record.unlock(fleet) or "nobody held the lock")
    fleet.close()


@task(
    help={
        "hosts": "names or roles, default: all",
        "user": "who signs in there and is or may become root, default root",
        "dry-run": "only say what would be done",
    }
)
def provision(_c: Context, hosts: str = "", user: str = "root", dry_run: bool = False) -> None:
    """Make bare Debian hosts ready for their roles: packages, accounts, folders, units, HAProxy. Safe to repeat."""
    fleet = _fleet(dry_run)
    answers = provisioning.provision(fleet, _hosts(fleet, hosts), user=user)
    fleet.close()
    _show(answers)


@task(help={"hosts": "names or roles", "unit": "only this unit", "dry-run": "only say what would be done"})
def restart(_c: Context, hosts: str = "", unit: str = "", dry_run: bool = False) -> None:
    """Restart the units of hosts, app hosts out of the load balancer meanwhile, a few at a time."""
    fleet = _fleet(dry_run)
    moving = rollout.Rollout(fleet, _say)
    chosen = [host for host in _hosts(fleet, hosts, "app", "worker") if host.units]
    try:
        answers = moving.restart(chosen, unit)
    except balancer.BalancerError as error:
        raise Exit(str(error), code=1) from error
    finally:
        fleet.close()
    _show(answers)


@task(help={"contract": "also those that take something away", "dry-run": "list them, with what each does"})
def migrate(_c: Context, contract: bool = False, dry_run: bool = False) -> None:
    """Run the migrations of the release that runs: Django's on main, then every logical shard's."""
    fleet = _fleet(dry_run)
    try:
        later = migrations.expand(fleet, "current", contract=contract, say=_say)
        if later and contract:
            migrations.contract(fleet, "current", say=_say)
    except migrations.MigrationError as error:
        raise Exit(str(error), code=1) from error
    finally:
        fleet.close()


@task(
    help={
        "unit": "web, worker-fast, relay …",
        "hosts": "names or roles",
        "lines": "of each host",
        "match": "only lines with this",
    }
)
def logs(_c: Context, unit: str = "web", hosts: str = "", lines: int = 20, match: str = "") -> None:
    """Print the end of a unit's log on each host."""
    fleet = _fleet()
    chosen = [host for host in _hosts(fleet, hosts, "app", "worker") if unit in host.units]

    def command(host: Host) -> str:
        source = (
            f"journalctl -u instagram@{quote(unit)} -n {lines * 50} --no-pager -o cat"
            if host.services == "systemd"
            else f"tail -n {lines * 50} {host.base}/log/{quote(unit)}.log"
        )
        chooser = f" | grep -F -- {quote(match)}" if match else ""
        return f"{source}{chooser} | tail -n {lines}"

    for answer in fleet.read(chosen, command):
        for line in answer.text.splitlines():
            _say(f"{answer.host.name}  {line}")
    fleet.close()


@task(
    help={
        "command": "one line for the hosts' shell",
        "hosts": "names or roles, default: all",
        "dry-run": "only say where",
    }
)
def run(_c: Context, command: str, hosts: str = "", dry_run: bool = False) -> None:
    """Run a command on hosts, side by side."""
    fleet = _fleet(dry_run)
    answers = fleet.run(_hosts(fleet, hosts), lambda _: command)
    fleet.close()
    _show(answers)


@task(name="out", help={"hosts": "names or roles of app hosts", "dry-run": "only say what would be done"})
def lb_out(_c: Context, hosts: str, dry_run: bool = False) -> None:
    """Send hosts no new requests; return when nothing is in flight."""
    fleet = _fleet(dry_run)
    _balance(fleet, lambda balancers: balancers.out(_hosts(fleet, hosts)))


@task(name="in", help={"hosts": "names or roles of app hosts", "dry-run": "only say what would be done"})
def lb_in(_c: Context, hosts: str, dry_run: bool = False) -> None:
    """Send hosts requests again."""
    fleet = _fleet(dry_run)
    _balance(fleet, lambda balancers: balancers.back(_hosts(fleet, hosts)))


def _balance(fleet: Fleet, do: Callable[[balancer.Balancers], Any]) -> None:
    balancers = balancer.Balancers(fleet)
    try:
        do(balancers)
        traffic = balancers.traffic()
    except balancer.BalancerError as error:
        raise Exit(str(error), code=1) from error
    finally:
        fleet.close()
    _table(("host", "state", "in flight"), ((name, each.state, str(each.in_flight)) for name, each in traffic.items()))


ns = Collection(
    provision, deploy, rollback, status, history, unlock, restart, migrate, logs, run, backup, restore, drill, promote
)
ns.add_collection(Collection(lb_out, lb_in), name="lb")
