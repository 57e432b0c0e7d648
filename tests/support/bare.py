"""Bare hosts for `fab provision`: minimal Debian 12 systems below a folder, each with an sshd of its own by chroot.

No init runs there, so nothing is enabled or started; policy-rc.d keeps packages from starting their servers. The
network is this machine's: an address of 127.0.1.x is all that tells one host from another.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.hosts import listens
from tests.support.waiting import wait_until

#: What a bare host has beside Debian's minimum: a way in, and Python, which every Debian has.
INCLUDED = "openssh-server,python3-minimal,ca-certificates"
DEBOOTSTRAP = "/usr/sbin/debootstrap"


@dataclass
class BareHost:
    """A running bare host."""

    root: Path
    address: str
    port: int

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program on it, as root."""
        return subprocess.run(
            ["chroot", str(self.root), *words], capture_output=True, text=True, check=check, env={"PATH": _PATH}
        )

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start a server on it, as root; it ends with the host at the latest."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            ["chroot", str(self.root), *words], env={"PATH": _PATH}, stdin=quiet, stdout=quiet, stderr=quiet
        )

    def read(self, path: str) -> str:
        """Return a file's text."""
        return (self.root / path.lstrip("/")).read_text()


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class NoBareHostError(Exception):
    """This machine lets nobody make one; the sentence says what it refuses."""


def system(cache: Path) -> Path:
    """Return a folder with a minimal Debian 12, made once (25 s and 60 MB of packages), from this machine's mirror.

    Raises NoBareHostError where one may not mount, or has no Debian to fetch it from.
    """
    root = cache / "root"
    if not (root / "made").exists():
        shutil.rmtree(root, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        _must(DEBOOTSTRAP, "--variant=minbase", f"--include={INCLUDED}", "bookworm", str(root), _mirror())
        (root / "made").touch()
    _must("mount", "-t", "proc", "proc", str(root / "proc"))
    _must("umount", str(root / "proc"))
    return root


def _must(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        *_, said = [f"exit code {done.returncode}", *done.stdout.splitlines(), *done.stderr.splitlines()]
        raise NoBareHostError(f"no bare host can be made here: {Path(words[0]).name}: {said}")


def _mirror() -> str:
    """Return where this machine has its own packages from."""
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return next(line.split()[0] for line in said.splitlines() if line.endswith(" bookworm") and "debian" in line)


@contextmanager
def bare_host(template: Path, root: Path, address: str, port: int, public_key: str) -> Iterator[BareHost]:
    """Start a copy of a minimal system as a host that takes root by key."""
    subprocess.run(["cp", "-a", "--reflink=auto", str(template), str(root)], check=True)
    # A host for two minutes: nothing of it must survive a power cut, nobody reads its manuals.
    (root / "etc/dpkg/dpkg.cfg.d/short-lived").write_text(
        "force-unsafe-io\n" + "".join(f"path-exclude /usr/share/{folder}/*\n" for folder in ("doc", "man", "locale"))
    )
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    # Packages come from where this machine has its own.
    for part in ("etc/apt/sources.list.d/debian.sources", "etc/resolv.conf", "etc/hosts"):
        if Path("/", part).exists():
            shutil.copy(Path("/", part).resolve(), root / part)
    for file in Path("/etc/apt/apt.conf.d").glob("99*"):
        shutil.copy(file, root / "etc/apt/apt.conf.d" / file.name)
    if Path("/etc/apt/sources.list.d/debian.sources").exists():
        (root / "etc/apt/sources.list").write_text("")
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    (root / "root/.ssh/authorized_keys").write_text(public_key)
    (root / "root/.ssh/authorized_keys").chmod(0o600)
    (root / "run/sshd").mkdir(exist_ok=True)
    # Where PostgreSQL shares memory; devices are those that debootstrap made.
    (root / "dev/shm").mkdir(exist_ok=True)
    (root / "dev/shm").chmod(0o1777)
    sshd = None
    try:
        subprocess.run(["mount", "-t", "proc", "proc", str(root / "proc")], check=True)
        words = ["-o", f"Port={port}", "-o", f"ListenAddress={address}", "-o", "UsePAM=yes", "-o", "PidFile=none"]
        words += ["-o", "PermitRootLogin=prohibit-password", "-o", "UseDNS=no", "-o", "MaxStartups=100"]
        sshd = subprocess.Popen(
            ["chroot", str(root), "/usr/sbin/sshd", "-D", *words], stderr=subprocess.DEVNULL, env={"PATH": _PATH}
        )
        wait_until(lambda: listens(address, port), what=f"sshd of the bare host {address}")
        yield BareHost(root, address, port)
    finally:
        if sshd is not None:
            sshd.terminate()
            sshd.wait(10)
        _stop_what_runs_below(root)
        subprocess.run(["umount", "-l", str(root / "proc")], check=False, capture_output=True)
        if not (root / "proc").is_mount():
            shutil.rmtree(root, ignore_errors=True)


def _stop_what_runs_below(root: Path) -> None:
    """End processes whose root is the host's or below it: servers a test has started there, HAProxy shut in as well."""
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            with contextlib.suppress(OSError):
                if (each / "root").readlink().is_relative_to(root):
                    os.kill(int(each.name), 9)
