"""Which node of each database server is its primary, on hosts: shared/topology.json, PgBouncer's databases after it.

Every host with a pooler has both. `fab provision` and `fab promote` write them alike: nodes and whether commits wait
are the inventory's word, who is primary is the file's, which only a promotion changes.
"""

import json
from collections.abc import Iterable
from shlex import quote
from typing import Any

from deploy.inventory import Host, Inventory
from deploy.remote import Fleet

#: Of each server what topology.json says: nodes, synchronous, primary, moving, serial.
Facts = dict[str, dict[str, Any]]


def newest(fleet: Fleet, hosts: Iterable[Host]) -> Facts:
    """Return what hosts know; where they differ, what was written last. One that does not answer has no say."""
    answers = fleet.read(hosts, lambda h: f"cat {quote(h.base)}/shared/topology.json 2>/dev/null || true")
    found: Facts = {}
    for answer in answers:
        for name, entry in (json.loads(answer.text) if answer.ok and answer.text.startswith("{") else {}).items():
            if entry.get("serial", 0) >= found.get(name, {}).get("serial", 0):
                found[name] = entry
    return found


def topology(inventory: Inventory, known: Facts) -> str:
    """Return shared/topology.json: the inventory's nodes and whether commits wait, and what is known beside that."""
    facts = {
        name: known.get(name, {}) | {"nodes": nodes(inventory, name), "synchronous": name in inventory.synchronous}
        for name in inventory.servers
    }
    return json.dumps(facts, indent=1, sort_keys=True) + "\n"


def databases(inventory: Inventory, known: Facts) -> str:
    """Return PgBouncer's databases: each server's at its primary, and NAME_replica for reads that may be old."""
    lines = ["; Made by fab provision, and anew by fab promote.", "[databases]"]
    for server in inventory.servers:
        there = nodes(inventory, server)
        said = known.get(server, {}).get("primary")
        primary = said if said in there else next(iter(there))
        for name, where in there.items():
            host, _, port = where.rpartition(":")
            role = "" if name == primary else "_replica"
            lines.append(f"{server}{role} = host={host} port={port} dbname={server}")
    return "\n".join(lines) + "\n"


def nodes(inventory: Inventory, server: str) -> dict[str, str]:
    """Return the nodes of a server: host -> "address:port"."""
    return {name: f"{inventory.hosts[name].address}:{port}" for name, port in inventory.servers[server].items()}
