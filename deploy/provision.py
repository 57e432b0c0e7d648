"""Make bare hosts ready: packages, accounts, folders, units, configuration by role. Safe to repeat."""

import base64
import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shlex import quote

from deploy import haproxy
from deploy.inventory import UNITS, Host, Inventory
from deploy.remote import Answer, Fleet

HERE = Path(__file__).parent


def provision(fleet: Fleet, hosts: list[Host], *, user: str = "root") -> list[Answer]:
    """Make hosts ready for their roles; each answers with what was changed. user: signs in there, is or becomes root.

    Cost: apt's where packages are missing, a second a host where nothing is.
    """
    answers = []
    script = (HERE / "host" / "provision").read_text()
    for host in hosts:
        archive = base64.b64encode(archive_of(files(fleet.inventory, host))).decode()
        roles = " ".join(host.roles)
        command = f"bash -c {quote(script)} provision {quote(host.base)} {quote(host.user)} {roles}"
        command = f"echo {archive} | base64 -d | {'' if user == 'root' else 'sudo '}{command}"
        if fleet.dry:
            names = " ".join(sorted(files(fleet.inventory, host)))
            answers.append(
                Answer(host, True, f"would make ready for {roles}: packages, accounts, {host.base}, {names}")
            )
            continue
        answers += fleet.run([replace(host, user=user)], lambda _: command, seconds=900)  # noqa: B023  # it is run before the next one
    return answers


def files(inventory: Inventory, host: Host) -> dict[str, str]:
    """Return what is installed on a host besides packages: path -> content."""
    found: dict[str, str] = {}
    if host.units:
        unit = (HERE / "systemd" / "instagram@.service").read_text().replace("/srv/instagram", host.base)
        found["/etc/systemd/system/instagram@.service"] = unit
        found["/etc/sudoers.d/instagram-deploy"] = "".join(_sudo(host))
    if "lb" in host.roles:
        found["/etc/haproxy/haproxy.cfg"] = haproxy.rendered(inventory, host)
    return found


def _sudo(host: Host) -> Iterator[str]:
    yield "# Who deploys may restart and reload what a deploy restarts and reloads; nothing else.\n"
    for unit in sorted({unit for role in host.roles for unit in UNITS.get(role, ())}):
        for verb in ("restart", "reload-or-restart", "status"):
            yield f"{host.user} ALL=(root) NOPASSWD: /usr/bin/systemctl {verb} instagram@{unit}\n"


def archive_of(contents: dict[str, str]) -> bytes:
    """Return a tar of files by path."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, text in contents.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()
