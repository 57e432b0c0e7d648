"""The site closed for work: by the load balancers, which answer themselves, or read-only by the service's own switch.

Closed: HAProxy answers 503 with Retry-After, a page for people and the envelope below /v1 and /oauth; health pages go
through. A map of one key says so: told over the admin socket, it acts at once; written to the map's file, it survives
a restart of HAProxy.
"""

from shlex import quote

from deploy.balancer import Balancers
from deploy.manage import Said, keeper, manage
from deploy.remote import Answer, Fleet, failed

#: The map's file in the configuration folder of a load balancer, and its only key.
MAP, KEY = "maintenance.map", "closed"


class MaintenanceError(Exception):
    """Not every load balancer, or not the service, was told; the sentence says which."""


def close(fleet: Fleet, *, retry_s: int) -> list[Answer]:
    """Have every load balancer answer by itself. retry_s: seconds after which clients shall ask again."""
    return _tell(fleet, f"{KEY} {retry_s}\n", [f"del map #FILE {KEY}", f"add map #FILE {KEY} {retry_s}"])


def reopen(fleet: Fleet) -> list[Answer]:
    """Have every load balancer send requests on again; one that does already stays as it is."""
    return _tell(fleet, "", [f"del map #FILE {KEY}"])


def is_closed(fleet: Fleet) -> dict[str, bool]:
    """Return for each load balancer that answers whether it is closed."""
    answers = fleet.read(fleet.inventory.with_role("lb"), lambda lb: f"grep -c ^{KEY} {quote(lb.conf)}/{MAP} || true")
    return {answer.host.name: answer.text.strip() == "1" for answer in answers if answer.ok}


def read_only(fleet: Fleet, *, on: bool, why: str, by: str) -> Said:
    """Turn the service's switch `read_only`: reads go on, writes get 503. Raises MaintenanceError."""
    said = manage(fleet, keeper(fleet), "switch", "on" if on else "off", "read_only", "--why", why, "--by", by)
    if not said.known:
        raise MaintenanceError(f"the release on {said.host.name} has no switches; without --read-only it can be closed")
    if not said.ok:
        raise MaintenanceError(f"{said.host.name}: {said.text[-300:]}")
    return said


def _tell(fleet: Fleet, content: str, lines: list[str]) -> list[Answer]:
    """Write the file first: a HAProxy that restarts in between reads it. Each load balancer answers for itself."""
    balancers = Balancers(fleet)
    written = fleet.run(
        fleet.inventory.with_role("lb"), lambda lb: f"printf %s {quote(content)} > {quote(lb.conf)}/{MAP}"
    )
    told = balancers.tell(lambda lb: [line.replace("#FILE", f"{lb.conf}/{MAP}") for line in lines])
    return [wrote if failed([wrote]) else say for wrote, say in zip(written, told, strict=True)]
