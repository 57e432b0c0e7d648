"""Verbs of an operator: `cd deploy && fab --list`; `fab --help VERB` tells more.

Hosts and roles stand in the inventory (deploy/inventory.example.toml): deploy/inventory.toml, or the file that
INVENTORY names. Verbs that change something take --dry-run: they look at every host, then say what they would do.
Exit code 1: it did not work somewhere, the table says where; 2: it was not begun.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fabric import task
from invoke import Collection, Context, Exit

from deploy import (
    alerts,
    artifact,
    balancer,
    inventory,
    manual,
    migrations,
    preflight,
    record,
    rollout,
    shards,
    traffic,
)
from deploy import provision as provisioning
from deploy.backups import backup, drill, restore
from deploy.desk import chosen, fleet_of, say, show, table
from deploy.inventory import Host
from deploy.promotion import promote
from deploy.remote import Fleet, failed
from stack.errors import StackError

_SENTENCES = (inventory.InventoryError, artifact.BuildError, record.Locked, ConnectionError)


def _deployed(fleet: Fleet, what: str, go: Callable[[rollout.Rollout], tuple[str, str]]) -> None:
    """Run `go` under the lock, write down what came of it, show the table of hosts. go: returns (release, before)."""
    moving = rollout.Rollout(fleet, say)
    outcome, why, release, before = "done", "", what, ""
    try:
        with record.lock(fleet, what):
            try:
                release, before = go(moving)
            except (rollout.RolloutError, balancer.BalancerError, migrations.MigrationError) as error:
                outcome = "rolled back" if getattr(error, "went_back", False) else "failed"
                release, why = moving.release or what, str(error)
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
                        phases=moving.phases,
                    ),
                )
    except _SENTENCES as error:
        raise Exit(str(error), code=2) from error
    finally:
        fleet.close()
    said = moving.progress
    table(
        ("host", "", "said"), ((name, "FAILED" if name in said.bad else "ok", text) for name, text in said.said.items())
    )
    if outcome != "done":
        raise Exit(f"{outcome} after {moving.seconds()} s: {why}", code=1)
    if said.bad:
        raise Exit(f"done after {moving.seconds()} s, but not on {', '.join(sorted(said.bad))}", code=1)
    say(f"{'would be ' if fleet.dry else ''}done after {moving.seconds()} s")


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
    fleet = fleet_of(dry=dry_run)

    def go(moving: rollout.Rollout) -> tuple[str, str]:
        with moving.phase("build"):
            built = artifact.find(release) if release else artifact.build(revision)
        say(f"release {built.name}, {built.file.stat().st_size // 1024} kB")
        facts = moving.check()
        before = {name: each.current for name, each in facts.items()}
        with alerts.muted(moving, f"deploy {built.name}", runs=any(before.values()), say=say) as silenced:
            moving.ship(built, facts)
            with moving.phase("migrate"):
                later = _expand(fleet, built.name, contract=contract, nothing_runs=not any(before.values()))
            silenced()
            moving.turn(built.name, before)
            if later and contract:
                with moving.phase("migrate"):
                    migrations.contract(fleet, built.name, say=say)
        return built.name, next(iter(before.values()), "")

    _deployed(fleet, "deploy", go)


def _expand(fleet: Fleet, release: str, *, contract: bool, nothing_runs: bool) -> list[str]:
    if nothing_runs and not fleet.dry:
        migrations.first(fleet, release, say=say)
        return []
    return migrations.expand(fleet, release, contract=contract, say=say)


@task(
    help={
        "to": "the release to go back to, default: what each host ran before",
        "dry-run": "only say what would be done",
    }
)
def rollback(_c: Context, to: str = "", dry_run: bool = False) -> None:
    """Go back to the release before, in the same batches; migrations stay, since they only added.

    Hosts that do not answer are left as they are, and named.
    """
    fleet = fleet_of(dry=dry_run)

    def go(moving: rollout.Rollout) -> tuple[str, str]:
        facts = moving.check_way_back()
        target = to or next((each.previous for each in facts.values() if each.previous), "")
        if not target:
            raise rollout.RolloutError("nothing was changed; no host knows a release before this one")
        if lacking := [name for name, each in facts.items() if target not in each.releases]:
            raise rollout.RolloutError(f"nothing was changed; {target} is not on {', '.join(lacking)}")
        before = {name: each.current for name, each in facts.items()}
        with alerts.muted(moving, f"rollback to {target}", runs=True, say=say) as silenced:
            silenced()
            moving.turn(target, before)
        return target, next(iter(before.values()), "")

    _deployed(fleet, f"rollback {to}".strip(), go)


@task(help={"hosts": "names or roles, separated by commas; default: all"})
def status(_c: Context, hosts: str = "") -> None:
    """Show each host: release, units, what the load balancers send it; and the latest deployments."""
    fleet = fleet_of()
    picked = chosen(fleet, hosts)
    facts = {each.host.name: each for each in preflight.look(fleet, [host for host in picked if host.has_release])}
    balancers = balancer.Balancers(fleet)
    try:
        traffic = balancers.traffic()
    except balancer.BalancerError as error:
        traffic = {}
        say(str(error))
    units = {
        each.host.name: each.text.replace("\n", " ")
        for each in fleet.read([h for h in picked if h.units], _unit_states)
    }
    rows = []
    for host in picked:
        known, seen = facts.get(host.name), traffic.get(host.name)
        rows.append(
            (
                host.name,
                " ".join(host.roles),
                (known.current if known else "") or "-",
                units.get(host.name, "-"),
                f"{seen.state}, {seen.answers} answers, {seen.errors} errors" if seen else "-",
                known.problem if known else "".join(each.text for each in balancers.away.values() if each.host == host),
            )
        )
    table(("host", "roles", "release", "units", "load balancer", "problem"), rows)
    for each in (each for each in balancers.away.values() if each.host not in picked):
        say(f"{each.host.name}: {each.text}")
    _history(fleet)
    fleet.close()
    if any(row[-1] for row in rows) or balancers.away:
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
    fleet = fleet_of()
    _history(fleet)
    fleet.close()


def _history(fleet: Fleet) -> None:
    past = record.history(fleet)
    table(
        ("at", "who", "release", "before", "took", "outcome", "why"),
        ((d.at, d.who, d.release, d.before, f"{d.seconds} s", d.outcome, d.why[:80]) for d in past),
    )


@task(help={"dry-run": "only say who holds it"})
def unlock(_c: Context, dry_run: bool = False) -> None:
    """Take away the lock of a deploy that was broken off."""
    fleet = fleet_of(dry=dry_run)
    say(record.unlock(fleet) or "nobody held the lock")
    fleet.close()


@task(
    help={
        "hosts": "names or roles, default: all",
        "user": "who signs in there and is or may become root, default root",
        "dry-run": "only say what would be done",
    }
)
def provision(_c: Context, hosts: str = "", user: str = "root", dry_run: bool = False) -> None:
    """Make bare Debian 12 hosts ready for their roles: packages, accounts, units, servers. Safe to repeat."""
    fleet = fleet_of(dry=dry_run)
    try:
        answers = provisioning.provision(fleet, chosen(fleet, hosts), user=user)
    except (provisioning.ProvisionError, StackError, ValueError) as error:
        raise Exit(str(error), code=2) from error
    finally:
        fleet.close()
    show(answers)


@task(help={"hosts": "names or roles", "unit": "only this unit", "dry-run": "only say what would be done"})
def restart(_c: Context, hosts: str = "", unit: str = "", dry_run: bool = False) -> None:
    """Restart the units of hosts, app hosts out of the load balancer meanwhile, a few at a time."""
    fleet = fleet_of(dry=dry_run)
    moving = rollout.Rollout(fleet, say)
    picked = _running(chosen(fleet, hosts, "app", "worker"), unit)
    try:
        answers = moving.restart(picked, unit)
    except balancer.BalancerError as error:
        raise Exit(str(error), code=1) from error
    finally:
        fleet.close()
    show(answers)


def _running(hosts: list[Host], unit: str) -> list[Host]:
    """Return those of hosts that run a unit, empty for any. Raises Exit with code 2 for none."""
    found = [host for host in hosts if (unit in host.units if unit else host.units)]
    if not found:
        raise Exit(f"none of {', '.join(host.name for host in hosts)} runs {unit or 'a unit'}", code=2)
    return found


@task(help={"contract": "also those that take something away", "dry-run": "list them, with what each does"})
def migrate(_c: Context, contract: bool = False, dry_run: bool = False) -> None:
    """Run the migrations of the release that runs: Django's on main, then every logical shard's."""
    fleet = fleet_of(dry=dry_run)
    try:
        later = migrations.expand(fleet, "current", contract=contract, say=say)
        if later and contract:
            migrations.contract(fleet, "current", say=say)
    except (migrations.MigrationError, ConnectionError) as error:
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
    """Print the end of a unit's log on each host, or the latest of its lines with a word in them."""
    if not 1 <= lines <= 10_000:
        raise Exit("--lines is 1 to 10000", code=2)
    fleet = fleet_of()
    picked = _running(chosen(fleet, hosts, "app", "worker"), unit)
    script, words = rollout.script("logs"), f"{quote(unit)} {lines} {quote(match)}"
    answers = fleet.read(picked, lambda host: f"{script} {quote(host.base)} {host.services} {words}", seconds=120)
    fleet.close()
    for answer in answers:
        for line in answer.text.splitlines():
            say(f"{answer.host.name}  {line}")
    if bad := failed(answers):
        raise Exit(f"it could not be read on {', '.join(each.host.name for each in bad)}", code=1)


@task(
    help={
        "command": "one line for the hosts' shell",
        "hosts": "names or roles, default: all",
        "dry-run": "only say where",
    }
)
def run(_c: Context, command: str, hosts: str = "", dry_run: bool = False) -> None:
    """Run a command on hosts, side by side."""
    fleet = fleet_of(dry=dry_run)
    answers = fleet.run(chosen(fleet, hosts), lambda _: command)
    fleet.close()
    show(answers)


manual.install()
ns = Collection(provision, status, run, logs, restart, deploy, rollback, history, unlock, migrate, traffic.maintenance_)
for verb in (backup, restore, drill, promote):
    ns.add_task(verb)
ns.add_collection(Collection(traffic.lb_out, traffic.lb_in), name="lb")
ns.add_collection(Collection(shards.plan, shards.move), name="shard")
