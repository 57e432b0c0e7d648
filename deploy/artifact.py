"""A release as one file: built once from a commit, the same bytes on every host.

It holds the commit's files, the bytecode of its modules (the service may not write there, every start would compile
anew), and RELEASE, its name: when it was built and from what, newest last when sorted.
"""

import calendar
import contextlib
import gzip
import hashlib
import importlib.util
import io
import marshal
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Where built releases, with the wheels and static files they need, wait.
BUILT = ROOT / ".local" / "releases"
#: What no host needs.
LEFT_OUT = ("tests", "bench", "docs")
NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{7,12}")

#: Head of a bytecode file that nobody holds against its source: that of a release never changes. PEP 552.
_UNCHECKED = importlib.util.MAGIC_NUMBER + (0b01).to_bytes(4, "little") + bytes(8)


class BuildError(Exception):
    """There is nothing to build from; the sentence says why."""


@dataclass(frozen=True)
class Release:
    """A built release.

    venv: name of the virtual environment it needs, the checksum of what is in it; static: the same of its static files.
    """

    name: str
    file: Path
    venv: str
    static: str


def build(revision: str = "HEAD", *, into: Path = BUILT, now: float | None = None) -> Release:
    """Build a release from a commit; uncommitted changes are not in it. Raises BuildError."""
    commit = _git("rev-parse", "--short=10", "--verify", f"{revision}^{{commit}}").strip()
    moment = time.gmtime(time.time() if now is None else now)
    name = f"{time.strftime('%Y%m%d-%H%M%S', moment)}-{commit}"
    into.mkdir(parents=True, exist_ok=True)
    moment_s = calendar.timegm(moment)
    plain = io.BytesIO(_archive(commit))
    with tarfile.open(fileobj=plain) as tar:
        compiled = list(_compiled(tar))
    plain.seek(0)
    with tarfile.open(fileobj=plain, mode="a") as tar:
        for path, content in [*compiled, ("RELEASE", f"{name}\n".encode())]:
            entry = tarfile.TarInfo(path)
            entry.size, entry.mtime = len(content), moment_s
            tar.addfile(entry, io.BytesIO(content))
    file = into / f"{name}.tar.gz"
    file.write_bytes(gzip.compress(plain.getvalue(), compresslevel=6, mtime=0))
    return _release(name, file)


def _archive(commit: str) -> bytes:
    command = ["git", "archive", "--format=tar", commit, "--", ".", *(f":(exclude){name}" for name in LEFT_OUT)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout


def _compiled(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the bytecode of every module; a file that is no Python has none, as when imported."""
    for member in tar.getmembers():
        if not member.name.endswith(".py"):
            continue
        text = tar.extractfile(member)
        assert text is not None  # noqa: S101  # it is a file
        with contextlib.suppress(SyntaxError, ValueError):
            code = compile(text.read(), member.name, "exec", dont_inherit=True)
            yield importlib.util.cache_from_source(member.name), _UNCHECKED + marshal.dumps(code)


def find(name: str, *, folder: Path = BUILT) -> Release:
    """Return a release that was built before. Raises BuildError."""
    file = folder / f"{name}.tar.gz"
    if not NAME.fullmatch(name) or not file.exists():
        known = sorted((each.name.removesuffix(".tar.gz") for each in folder.glob("*.tar.gz")), reverse=True)[:5]
        raise BuildError(f"there is no built release {name!r}; the latest are {', '.join(known) or 'none'}")
    return _release(name, file)


def _release(name: str, file: Path) -> Release:
    """Read from a release what it needs beside itself."""
    with tarfile.open(file) as tar:
        venv = venv_of(_read(tar, "requirements.txt").decode())
        checksum = hashlib.sha256(venv.encode())  # packages have static files, too
        for path in sorted(path for path in tar.getnames() if "/static/" in path and not tar.getmember(path).isdir()):
            checksum.update(f"{path} {hashlib.sha256(_read(tar, path)).hexdigest()}\n".encode())
    return Release(name, file, venv, checksum.hexdigest()[:12])


def _read(tar: tarfile.TarFile, path: str) -> bytes:
    member = tar.extractfile(path)
    assert member is not None  # noqa: S101  # every commit of ours has it
    return member.read()


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
        (into / f"{release.venv}.txt").write_bytes(_read(tar, "requirements.txt"))
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


def static(release: Release, *, into: Path = BUILT) -> Path:
    """Collect a release's static files once, from its own code; return one archive of them. Raises BuildError."""
    archive = into / f"static-{release.static}.tar.gz"
    if archive.exists():
        return archive
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["tar", "-xzf", str(release.file), "-C", folder], check=True)
        result = subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"],
            cwd=folder,
            # Where they go; nothing else of the settings matters here.
            env=os.environ | {"STATE_DIR": f"{folder}/state", "DJANGO_SETTINGS_MODULE": "instagram.settings.base"},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise BuildError(f"the static files could not be collected: {result.stderr.strip()[-300:]}")
        part = archive.with_suffix(".part")
        with tarfile.open(part, "w:gz", compresslevel=6) as tar:
            tar.add(f"{folder}/state/static", ".")
        part.rename(archive)
    return archive


def _git(*words: str) -> str:
    result = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BuildError(f"git {' '.join(words)}: {result.stderr.strip() or 'failed'}")
    return result.stdout
