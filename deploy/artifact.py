"""A release as one file: built once from a commit, the same bytes on every host.

It holds the commit's files and RELEASE, its name: when it was built and from what, newest last when sorted.
"""

import gzip
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Where built releases and the wheels they need wait.
BUILT = ROOT / ".local" / "releases"
NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{7,12}")


class BuildError(Exception):
    """There is nothing to build from; the sentence says why."""


@dataclass(frozen=True)
class Release:
    """A built release. venv: name of the virtual environment it needs, the checksum of what is in it."""

    name: str
    file: Path
    venv: str


def build(revision: str = "HEAD", *, into: Path = BUILT, now: float | None = None) -> Release:
    """Build a release from a commit; uncommitted changes are not in it. Raises BuildError."""
    commit = _git("rev-parse", "--short=10", "--verify", f"{revision}^{{commit}}").strip()
    moment = time.gmtime(time.time() if now is None else now)
    name = f"{time.strftime('%Y%m%d-%H%M%S', moment)}-{commit}"
    into.mkdir(parents=True, exist_ok=True)
    plain = io.BytesIO(
        subprocess.run(["git", "archive", "--format=tar", commit], cwd=ROOT, capture_output=True, check=True).stdout
    )
    with tarfile.open(fileobj=plain, mode="a") as tar:
        label = tarfile.TarInfo("RELEASE")
        label.size, label.mtime = len(name) + 1, int(time.mktime(moment))
        tar.addfile(label, io.BytesIO(f"{name}\n".encode()))
    file = into / f"{name}.tar.gz"
    file.write_bytes(gzip.compress(plain.getvalue(), compresslevel=6, mtime=0))
    return Release(name, file, venv_of(_git("show", f"{commit}:requirements.txt")))


def find(name: str, *, folder: Path = BUILT) -> Release:
    """Return a release that was built before. Raises BuildError."""
    file = folder / f"{name}.tar.gz"
    if not NAME.fullmatch(name) or not file.exists():
        known = sorted((each.name.removesuffix(".tar.gz") for each in folder.glob("*.tar.gz")), reverse=True)[:5]
        raise BuildError(f"there is no built release {name!r}; the latest are {', '.join(known) or 'none'}")
    with tarfile.open(file) as tar:
        member = tar.extractfile("requirements.txt")
        assert member is not None  # noqa: S101  # every commit of ours has it
        return Release(name, file, venv_of(member.read().decode()))


def venv_of(requirements: str) -> str:
    """Return the name of the virtual environment for these requirements, on this Python's minor version."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"py{version}-{hashlib.sha256(requirements.encode()).hexdigest()[:12]}"


def wheels(release: Release, *, into: Path = BUILT) -> Path:
    """Fetch the wheels of a release's requirements once; return one archive of them. Raises BuildError."""
    archive = into / f"wheels-{release.venv}.tar"
    if archive.exists():
        return archive
    folder = into / f"wheels-{release.venv}"
    with tarfile.open(release.file) as tar:
        member = tar.extractfile("requirements.txt")
        assert member is not None  # noqa: S101  # every commit of ours has it
        (into / f"{release.venv}.txt").write_bytes(member.read())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(folder)]
    result = subprocess.run(
        [*command, "-r", str(into / f"{release.venv}.txt")], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise BuildError(f"the wheels could not be fetched: {result.stderr.strip()[-300:]}")
    part = archive.with_suffix(".part")
    with tarfile.open(part, "w") as tar:
        for wheel in sorted(folder.iterdir()):
            tar.add(wheel, wheel.name)
    part.rename(archive)
    return archive


def _git(*words: str) -> str:
    result = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BuildError(f"git {' '.join(words)}: {result.stderr.strip() or 'failed'}")
    return result.stdout
