"""Who deploys what, now and before: a lock and a log, kept on the first app host, where every operator finds them.

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

from deploy.manage import keeper, manage
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
    """Let nobody else deploy meanwhile. Raises Locked; ConnectionError when the host that keeps it is away."""
    host = keeper(fleet)
    folder = quote(f"{host.base}/shared/deploy.lock")
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
    """Take somebody's lock away; return who held it, empty for nobody."""
    host = keeper(fleet)
    folder = quote(f"{host.base}/shared/deploy.lock")
    return fleet.run([host], lambda _: f"cat {folder}/who 2>/dev/null; rm -rf {folder}")[0].text


def note(fleet: Fleet, deployment: Deployment) -> None:
    """Append to the log, and to main's copy, which may be away or of a release that knows of no such thing."""
    host = keeper(fleet)
    line = json.dumps(asdict(deployment))
    fleet.run([host], lambda _: f"echo {quote(line)} >> {quote(host.base)}/shared/deploys.jsonl")
    manage(fleet, host, "deployments", "note", line)


def history(fleet: Fleet, *, most: int = 10) -> list[Deployment]:
    """Return the latest deployments, newest first; empty when the host that keeps them is away."""
    host = keeper(fleet)
    answer = fleet.read(
        [host], lambda _: f"tail -n {most} {quote(host.base)}/shared/deploys.jsonl 2>/dev/null || true"
    )[0]
    if not answer.ok:
        return []
    lines = [json.loads(line) for line in reversed(answer.text.splitlines()) if line.startswith("{")]
    known = {each.name for each in fields(Deployment)}  # a newer clone may have written more
    return [Deployment(**{name: value for name, value in line.items() if name in known}) for line in lines]
