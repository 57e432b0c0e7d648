"""Who deploys what, now and before: a lock and a log, kept on the first app host that answers (deploy/manage.py).

When the first one is dead the next one keeps them: so all are asked what they know, and all locks are taken away. Two
could deploy at once only if one of them does not reach that first host: a deploy ends there, a rollback goes on.
Main keeps a copy of the log for the admin.
"""

import getpass
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from shlex import quote

from deploy.inventory import Host
from deploy.manage import command, keeper
from deploy.remote import Fleet


class Locked(Exception):
    """Somebody else deploys; the sentence says who, what and since when."""


@dataclass(frozen=True)
class Deployment:
    """A finished deployment. outcome: done, rolled back, failed.

    seconds: from the lock to its end; phases: of each part of that.
    """

    release: str
    before: str
    who: str
    at: str
    seconds: float
    outcome: str
    hosts: int
    why: str = ""
    phases: dict[str, float] = field(default_factory=dict)


def me() -> str:
    """Return who this is, as the log shall name them."""
    return f"{os.environ.get('DEPLOY_AS') or getpass.getuser()}@{socket.gethostname()}"


@contextmanager
def lock(fleet: Fleet, what: str) -> Iterator[None]:
    """Let nobody else deploy meanwhile. Raises Locked; ConnectionError when no host can keep it."""
    host = keeper(fleet)
    folder = _lock(host)
    note = f"{me()} {what} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    # mkdir is the one thing that only one of two can do.
    take = (
        f"mkdir -p {quote(host.base)}/shared && if mkdir {folder} 2>/dev/null; then echo {quote(note)} > {folder}/who;"
        f" else echo LOCKED; cat {folder}/who; fi"
    )
    answer = fleet.run([host], lambda _: take)[0]
    if not answer.ok:
        raise ConnectionError(f"{host.name}, which keeps the lock: {answer.text}")
    if answer.text.startswith("LOCKED"):
        holder = answer.text.removeprefix("LOCKED").strip() or "somebody who has not said who"
        raise Locked(f"{holder}. If that is over: fab unlock")
    try:
        yield
    finally:
        fleet.run([host], lambda _: f"rm -rf {folder}")


def unlock(fleet: Fleet) -> str:
    """Take somebody's lock away, or only look at it (dry); return who held it, empty for nobody."""
    take = "true" if fleet.dry else "rm -rf"

    def look(host: Host) -> str:
        folder = _lock(host)
        return f"[ ! -d {folder} ] || {{ cat {folder}/who 2>/dev/null || echo somebody; {take} {folder}; }}"

    answers = fleet.read(_keepers(fleet), look)
    return "\n".join(dict.fromkeys(each.text for each in answers if each.ok and each.text))


def note(fleet: Fleet, deployment: Deployment) -> None:
    """Append to the log, and to main's copy, which may be away or of a release that knows of no such thing."""
    host = keeper(fleet)
    line = json.dumps(asdict(deployment))
    # Nobody waits for the copy: a start of manage.py takes a second or more.
    copy = f"( {command(host, 'current', 'deployments', 'note', line)} ) </dev/null >/dev/null 2>&1 &"
    fleet.run([host], lambda _: f"echo {quote(line)} >> {quote(host.base)}/shared/deploys.jsonl; {copy}")


def history(fleet: Fleet, *, most: int = 10) -> list[Deployment]:
    """Return the latest deployments that hosts which answer know of, newest first."""
    answers = fleet.read(
        _keepers(fleet), lambda host: f"tail -n {most} {quote(host.base)}/shared/deploys.jsonl 2>/dev/null || true"
    )
    lines = [json.loads(line) for each in answers if each.ok for line in each.text.splitlines() if line[:1] == "{"]
    known = {each.name for each in fields(Deployment)}  # a newer clone may have written more
    found = [Deployment(**{name: value for name, value in line.items() if name in known}) for line in lines]
    return sorted(found, key=lambda each: each.at, reverse=True)[:most]


def _keepers(fleet: Fleet) -> list[Host]:
    """Return the hosts of which any may be the keeper."""
    return fleet.inventory.with_role("app", "worker")


def _lock(host: Host) -> str:
    return quote(f"{host.base}/shared/deploy.lock")
