"""manage.py of a release, run on a host with the environment of the service there."""

from collections.abc import Callable
from dataclasses import dataclass
from shlex import join, quote

from deploy.inventory import Host
from deploy.remote import Answer, Fleet


@dataclass(frozen=True)
class Said:
    """What a command said. known: the release has such a command at all."""

    host: Host
    ok: bool
    known: bool
    text: str


def command(host: Host, release: str, *words: str) -> str:
    """Return the line for the host's shell. release: its name, or "current" for what runs."""
    folder = f"{host.base}/current" if release == "current" else f"{host.base}/releases/{release}"
    sources = f"for f in site.env env; do [ ! -r {quote(host.base)}/shared/$f ] || . {quote(host.base)}/shared/$f; done"
    environment = f"set -a; {sources}; set +a"
    return f"{environment}; cd {quote(folder)} && .venv/bin/python manage.py {join(words)}"


def manage(
    fleet: Fleet, host: Host, *words: str, release: str = "current", seconds: float = 120, read: bool = False
) -> Said:
    """Run manage.py WORDS on a host. read: it changes nothing, a dry run runs it too. Cost: a second of CPU there."""
    ask: Callable[..., list[Answer]] = fleet.read if read else fleet.run
    answer = ask([host], lambda _: command(host, release, *words), seconds=seconds)[0]
    unknown = not answer.ok and f"Unknown command: {words[0]!r}" in answer.text
    return Said(host, answer.ok, not unknown, answer.text)


def keeper(fleet: Fleet) -> Host:
    """Return the host on which commands for the whole site run: the first app or worker host that answers.

    It is the same for the life of `fleet`. Raises ConnectionError when none answers. Cost: a round trip, once.
    """
    if fleet.keeper is None:
        hosts = fleet.inventory.with_role("app", "worker")
        # One after the other: as a rule the first answers, and the others are asked nothing.
        found = (host for host in hosts if fleet.read([host], lambda _: "true")[0].ok)
        fleet.keeper = next(found, None)
    if fleet.keeper is None:
        raise ConnectionError("no app or worker host answers")
    return fleet.keeper
