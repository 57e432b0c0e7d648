"""Verbs about requests: hosts out of the load balancers and back, the site closed for work."""

from collections.abc import Callable

from fabric import task
from invoke import Context, Exit

from deploy import balancer, maintenance, record
from deploy.desk import chosen, fleet_of, say, show, table
from deploy.remote import Fleet


@task(name="out", help={"hosts": "names or roles of app hosts", "dry-run": "only say what would be done"})
def lb_out(_c: Context, hosts: str, dry_run: bool = False) -> None:
    """Send hosts no new requests; return when nothing is in flight."""
    fleet = fleet_of(dry=dry_run)
    _balance(fleet, lambda balancers: balancers.out(chosen(fleet, hosts)))


@task(name="in", help={"hosts": "names or roles of app hosts", "dry-run": "only say what would be done"})
def lb_in(_c: Context, hosts: str, dry_run: bool = False) -> None:
    """Send hosts requests again."""
    fleet = fleet_of(dry=dry_run)
    _balance(fleet, lambda balancers: balancers.back(chosen(fleet, hosts)))


def _balance(fleet: Fleet, do: Callable[[balancer.Balancers], None]) -> None:
    balancers = balancer.Balancers(fleet)
    try:
        do(balancers)
        traffic = balancers.traffic()
    except balancer.BalancerError as error:
        raise Exit(str(error), code=1) from error
    finally:
        fleet.close()
    table(("host", "state", "in flight"), ((name, each.state, str(each.in_flight)) for name, each in traffic.items()))
    if balancers.away:
        show(balancers.away.values())


@task(
    name="maintenance",
    help={
        "on": "close the site; --off opens it; neither: say how it is",
        "off": "open it",
        "why": "the reason; needed to close it",
        "read-only": "keep it open for reading: the service's switch read_only, not the load balancers",
        "minutes": "after which clients are told to ask again",
        "dry-run": "only say what would be done",
    },
)
def maintenance_(  # noqa: PLR0917  # its options
    _c: Context,
    on: bool = False,
    off: bool = False,
    why: str = "",
    read_only: bool = False,
    minutes: int = 5,
    dry_run: bool = False,
) -> None:
    """Close the site for work, all of it or (--read-only) writing alone; --off opens it again."""
    if on and off:
        raise Exit("--on or --off, not both", code=2)
    if on and not why.strip():
        raise Exit('closing the site needs a reason: --why "..."', code=2)
    if not 1 <= minutes <= 24 * 60:
        raise Exit("--minutes is 1 to 1440", code=2)
    fleet = fleet_of(dry=dry_run)
    try:
        if not on and not off:
            states = maintenance.is_closed(fleet)
            table(("load balancer", ""), ((name, "closed" if shut else "open") for name, shut in states.items()))
        elif read_only:
            said = maintenance.read_only(fleet, on=on, why=why or "the work is done", by=record.me())
            say(f"{said.host.name}: {said.text}")
        elif not fleet.inventory.with_role("lb"):
            raise Exit("the inventory has no load balancer: --read-only works without one", code=2)
        else:
            show(maintenance.close(fleet, retry_s=minutes * 60) if on else maintenance.reopen(fleet))
    except (maintenance.MaintenanceError, ConnectionError) as error:
        raise Exit(str(error), code=1) from error
    finally:
        fleet.close()
