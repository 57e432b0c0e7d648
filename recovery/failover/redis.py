"""Promotion of a Redis of the photo map. No Sentinel: the map is a cache of the shards, its loss costs no error.

What a promotion saves is the rebuild: a map that is gone heals itself photo by photo, each by a query on a shard.
Clients follow by the topology file, which they read when a Redis fails or refuses a write (sharding/redis_servers.py).
"""

import time
from collections.abc import Callable
from shlex import quote

from recovery.failover.promotion import Wish, choose
from recovery.failover.sites import FailoverError, Machine, Refused, Site, Unreachable

#: Seconds for a planned hand-over, and for a replica to have its copy.
HAND_OVER_S, COPY_S = 5.0, 60.0


def promote(site: Site, server: str, wish: Wish) -> None:
    """Make the replica of a Redis the primary, its old primary the replica. Raises Refused, FailoverError."""
    began = time.monotonic()
    target_node, old_node = choose(site, server, wish.to)
    target, old = site.machine(target_node), site.machine(old_node)
    facts, old_facts = replication(target), replication(old)
    for node, its in ((old_node, old_facts), (target_node, facts)):
        link = f", link {its['master_link_status']}" if "master_link_status" in its else ""
        site.say(f"  {node.name} {node.address}: {its.get('role', 'does not answer')}{link}")
    if not facts:
        raise Refused(f"{target_node.name} does not answer: there is nothing to promote")
    alive = old_facts.get("role") == "master"
    if facts["role"] != "master" and alive and not (wish.planned or wish.force or wish.dry):
        raise Refused(f"{old_node.name} answers as primary: --planned hands over, --force ends it")
    if facts["role"] != "master" and wish.planned and not alive:
        raise Refused(f"{old_node.name} does not answer: this is no planned switch, leave out --planned")
    if wish.dry:
        site.say(
            f"would {'hand over to' if wish.planned else 'promote'} {target_node.name}; {old_node.name} follows it"
        )
        return
    site.note(server, moving={"to": target_node.name})
    gone = ""
    if facts["role"] != "master":
        if wish.planned:
            _hand_over(old, target)
        else:
            gone = _take_over(old, target, gone=wish.gone)
    site.note(server, primary=target_node.name)
    site.repoint(server)
    site.say(f"  {time.monotonic() - began:6.2f} s  {server} is served by {target_node.name}")
    if gone:
        raise FailoverError(f"{gone}: once it is back, promote {server} again makes it a replica")
    _follow(old, target)
    site.note(server, moving=None)
    seconds = round(time.monotonic() - began, 2)
    site.say(f"  {seconds:6.2f} s  {old_node.name} follows")
    site.record(server=server, primary=target_node.name, planned=wish.planned, seconds=seconds)


def replication(machine: Machine) -> dict[str, str]:
    """Return what a Redis says of its replication; nothing if it does not answer."""
    try:
        said = _ask(machine, "INFO", "replication")
    except FailoverError:
        return {}
    return dict(line.split(":", 1) for line in said.split() if ":" in line)


def _hand_over(old: Machine, target: Machine) -> None:
    """Let the primary wait for its replica, then change roles: no write is lost."""
    _ask(old, "FAILOVER", "TO", target.node.host, str(target.node.port), "TIMEOUT", str(int(HAND_OVER_S * 1000)))
    _until(
        lambda: replication(target).get("role") == "master", HAND_OVER_S + 1, f"{target.node.name} does not take over"
    )


def _take_over(old: Machine, target: Machine, *, gone: bool) -> str:
    """End the old primary and promote the target; return why the old one could not be ended, else an empty string."""
    why = ""
    try:
        old.fence(gently=False)
    except Unreachable as error:
        if not gone:
            raise Refused(f"{error}; make sure it is off, then add --old-is-gone") from error
        why = str(error)
    _ask(target, "REPLICAOF", "NO", "ONE")
    return why


def _follow(old: Machine, target: Machine) -> None:
    old.release()
    _until(lambda: bool(replication(old)), COPY_S, f"{old.node.name} does not start")
    _ask(old, "REPLICAOF", target.node.host, str(target.node.port))
    for machine in (old, target) if old.keeps_role else ():
        _ask(machine, "CONFIG", "REWRITE")
    _until(lambda: replication(old).get("master_link_status") == "up", COPY_S, f"{old.node.name} does not follow")


def _ask(machine: Machine, *words: str) -> str:
    node = machine.node
    said = machine.shell(
        f"timeout 3 redis-cli -h {quote(node.host)} -p {node.port} {' '.join(map(quote, words))}", seconds=5
    )
    if said.startswith(("ERR", "(error)", "NOGOODSLAVE", "Could not connect")):
        raise FailoverError(f"{node.name}: {said.strip()}")
    return said


def _until(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise FailoverError(f"{otherwise} after {seconds:.0f} s")
        time.sleep(0.05)
