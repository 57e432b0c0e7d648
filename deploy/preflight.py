"""What must be true before a release goes out; every host is asked in one command, and changes nothing."""

import sys
from dataclasses import dataclass
from shlex import quote

from deploy.inventory import Host
from deploy.remote import Fleet

_ASK = r"""
cd {base} 2>/dev/null || {{ echo "missing=1"; exit 0; }}
echo "free=$(df -Pm . | awk 'NR == 2 {{print $4}}')"
echo "writable=$([ -w . ] && echo 1 || echo 0)"
echo "python=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)"
echo "curl=$(command -v curl >/dev/null && echo 1 || echo 0)"
echo "current=$(basename "$(readlink current 2>/dev/null)")"
echo "previous=$(basename "$(readlink previous 2>/dev/null)")"
echo "venvs=$(ls venvs 2>/dev/null | tr '\n' ' ')"
echo "static=$(ls static 2>/dev/null | tr '\n' ' ')"
echo "releases=$(ls -r releases 2>/dev/null | tr '\n' ' ')"
"""


@dataclass(frozen=True)
class Facts:
    """What a host says of itself.

    problem: why no release can go there, empty when one can; hinders: why not even one that is there could be taken.
    """

    host: Host
    problem: str
    hinders: str = ""
    current: str = ""
    previous: str = ""
    venvs: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()


def look(fleet: Fleet, hosts: list[Host]) -> list[Facts]:
    """Ask hosts what they have and whether a release can go there. Cost: one command a host, side by side."""
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = []
    for answer in fleet.read(hosts, lambda host: _ASK.format(base=quote(host.base))):
        said = dict(line.split("=", 1) for line in answer.text.splitlines() if "=" in line)
        hinders = _hindrance(said, answer.host) if answer.ok else answer.text
        found.append(
            Facts(
                answer.host,
                hinders or _problem(said, fleet.inventory.rollout.free_mb, wanted, answer.host),
                hinders,
                said.get("current", ""),
                said.get("previous", ""),
                tuple(said.get("venvs", "").split()),
                tuple(said.get("static", "").split()),
                tuple(said.get("releases", "").split()),
            )
        )
    return found


def _hindrance(said: dict[str, str], host: Host) -> str:
    if "missing" in said:
        return f"there is no {host.base}; fab provision makes it"
    if said.get("writable") != "1":
        return f"{host.user} may not write to {host.base}"
    if said.get("curl") != "1":
        return "curl is missing"
    return ""


def _problem(said: dict[str, str], free_mb: int, python: str, host: Host) -> str:
    if int(said.get("free") or 0) < free_mb:
        return f"only {said.get('free')} MB are free below {host.base}, {free_mb} are needed (free_mb)"
    if said.get("python") != python:
        return f"Python is {said.get('python') or 'missing'}, releases are built for {python}"
    return ""
