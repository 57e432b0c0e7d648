"""Hosts to deploy to: real sshd on loopback addresses of this machine, each with a base folder of its own; HAProxy."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from getpass import getuser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import requests
from django.conf import settings

from deploy import artifact, haproxy, inventory
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
HAPROXY, SSHD = "/usr/sbin/haproxy", "/usr/sbin/sshd"


@dataclass
class Hosts:
    """Running hosts app-01 ... and a load balancer lb-1 in front of them."""

    folder: Path
    inventory: inventory.Inventory
    sshd: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    balancer: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where the load balancer listens."""
        host = self.inventory.hosts["lb-1"]
        return f"http://{host.address}:{host.serves}"

    def fab(self, *words: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        """Run an operator's verb."""
        return fab(self.inventory.path, *words, seconds=seconds)

    def current(self, name: str) -> str:
        """Return the release a host's link names."""
        return self._link(name, "current")

    def previous(self, name: str) -> str:
        """Return the release that a host would go back to, empty for none."""
        return self._link(name, "previous")

    def _link(self, name: str, link: str) -> str:
        path = Path(self.inventory.hosts[name].base) / link
        return path.readlink().name if path.is_symlink() else ""

    def deployments(self) -> list[dict[str, Any]]:
        """Return what was written down of deploys, oldest first."""
        first = next(iter(self.inventory.with_role("app")))
        return [json.loads(line) for line in (Path(first.base) / "shared" / "deploys.jsonl").read_text().splitlines()]

    def unit_pids(self) -> list[int]:
        """Return the processes that the hosts run, by their pid files."""
        return [int(text) for file in self.folder.glob("*/run/*.pid") if (text := file.read_text().strip())]

    @contextmanager
    def told(self, old: str, new: str) -> Iterator[None]:
        """Have the inventory say something else for a while."""
        text = self.inventory.path.read_text()
        assert old in text
        self.inventory.path.write_text(text.replace(old, new))
        try:
            yield
        finally:
            self.inventory.path.write_text(text)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Have a host take connections over SSH and answer nothing, those that are open included."""
        server = psutil.Process(self.sshd[name].pid)
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    @contextmanager
    def dead(self, name: str) -> Iterator[None]:
        """Have a host answer nobody over SSH; what it runs goes on."""
        self.sshd.pop(name).kill()
        try:
            yield
        finally:
            host = self.inventory.hosts[name]
            self.sshd[name] = _sshd(self.folder, name, host.address, host.port)


def fab(
    inventory: Path, *words: str, environment: dict[str, str] | None = None, seconds: float = 240
) -> subprocess.CompletedProcess[str]:
    """Run an operator's verb on the hosts of an inventory."""
    variables = os.environ | {"INVENTORY": str(inventory), "COLUMNS": "200"} | (environment or {})
    command = [str(Path(sys.executable).with_name("fab")), "-r", str(ROOT / "deploy"), *words]
    return subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=seconds, check=False
    )


@contextmanager
def hosts(folder: Path, count: int, *, workers: int = 0, rollout: str = "") -> Iterator[Hosts]:
    """Start hosts that have nothing yet but their environment file, and the load balancer."""
    port, web, front = free_ports(3)
    key = new_key(folder)
    names = [f"app-{number:02}" for number in range(1, count + 1)]
    lines = [
        f'[site]\nname = "rehearsal"\nuser = "{getuser()}"\nport = {port}\nservices = "processes"\nssh_key = "{key}"'
    ]
    lines += [f"[rollout]\nfree_mb = 10\n{rollout}"]
    lines += [
        (
            f'[hosts.lb-1]\naddress = "127.0.0.1"\nroles = ["lb"]\nserves = {front}\nsocket = "{folder}/haproxy.sock"\n'
            f'conf = "{folder}"\nbase = "{folder}/lb-1"'
        )
    ]
    addresses = {name: f"127.0.1.{number}" for number, name in enumerate(names, 1)}
    for name in names:
        address, base = addresses[name], _base(folder, name, f"{addresses[name]}:{web}")
        lines.append(
            f'[hosts.{name}]\naddress = "{address}"\nroles = ["app"]\nbase = "{base}"\nserves = {web}\n'
            f'health = "http://{address}:{web}/health/ready"'
        )
    for number in range(1, workers + 1):
        address = addresses[f"worker-{number}"] = f"127.0.1.{100 + number}"
        lines.append(
            f'[hosts.worker-{number}]\naddress = "{address}"\nroles = ["worker"]\n'
            f'base = "{_base(folder, f"worker-{number}", "")}"'
        )
    (folder / "inventory.toml").write_text("\n".join(lines))
    found = Hosts(folder, inventory.load(str(folder / "inventory.toml")))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for name, address in {"lb-1": "127.0.0.1", **addresses}.items():
            found.sshd[name] = _sshd(folder, name, address, port)
        (folder / "maintenance.html").write_text(haproxy.page())
        (folder / "maintenance.map").touch()
        (folder / "haproxy.cfg").write_text(haproxy.rendered(found.inventory, found.inventory.hosts["lb-1"]))
        log = (folder / "haproxy.log").open("wb")
        found.balancer = subprocess.Popen([HAPROXY, "-f", str(folder / "haproxy.cfg")], stdout=log, stderr=log)
        processes.append(found.balancer)
        for address in addresses.values():
            wait_until(lambda address=address: listens(address, port), what=f"sshd of {address}")
        wait_until(lambda: listens("127.0.0.1", front), what="HAProxy")
        yield found
    finally:
        try:
            _stop_units(found.unit_pids())
        finally:
            for process in [*processes, *found.sshd.values()]:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)


def commit_of(changes: dict[str, str]) -> str:
    """Make a commit that is on no branch: HEAD with some files changed; return its name."""
    with_index = os.environ | {"GIT_INDEX_FILE": str(ROOT / ".git" / f"index-of-a-test-{os.getpid()}")}
    with_index |= {
        f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }

    def git(*words: str, text: str = "") -> str:
        return subprocess.run(
            ["git", *words], cwd=ROOT, env=with_index, input=text, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        git("read-tree", "HEAD")
        for path, text in changes.items():
            blob = git("hash-object", "-w", "--stdin", text=text)
            git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        return git("commit-tree", git("write-tree"), "-p", "HEAD", "-m", "A test's change.")
    finally:
        Path(with_index["GIT_INDEX_FILE"]).unlink(missing_ok=True)


class Load:
    """Constant requests, a few at a time, until the block ends; what was answered, by status.

    url: to GET; others: (verb, url), asked in turn with it.
    """

    def __init__(self, url: str, *others: tuple[str, str], each_s: float = 0.05, threads: int = 2) -> None:
        self.answers: Counter[str] = Counter()
        self._asked, self._each_s, self._threads = [("GET", url), *others], each_s, threads
        self._over = threading.Event()

    def __enter__(self) -> "Load":
        self._running = [threading.Thread(target=self._ask) for _ in range(self._threads)]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._running:
            thread.join()

    @property
    def failed(self) -> dict[str, int]:
        """Answers other than 200, with what was asked and their number."""
        return {status: number for status, number in self.answers.items() if status != "200"}

    def _ask(self) -> None:
        session = requests.Session()
        for verb, url in itertools.cycle(self._asked):
            if self._over.is_set():
                return
            began = time.monotonic()
            try:
                said = str(session.request(verb, url, timeout=10).status_code)
            except requests.RequestException as error:
                said = type(error).__name__
            self.answers[said if said == "200" else f"{said} {verb} {urlsplit(url).path}"] += 1
            self._over.wait(max(0.0, self._each_s - (time.monotonic() - began)))


def _base(folder: Path, name: str, bind: str) -> Path:
    """Make a host's base folder with its environment file; its virtual environment is the one we run in."""
    base = folder / name
    for part in ("shared", "venvs", "incoming"):
        (base / part).mkdir(parents=True)
    venv = artifact.venv_of((ROOT / "requirements.txt").read_text())
    (base / "venvs" / venv).symlink_to(sys.prefix)
    environment = {
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
        "LOGICAL_SHARDS": str(settings.LOGICAL_SHARDS),
        "PORT_OFFSET": str(settings.PORT_OFFSET),
        "GUNICORN_WORKERS": "1",
        "GUNICORN_THREADS": "2",
        # All hosts, their databases and what asks them share a few processors: slow is not unwell here.
        "HEALTH_TIMEOUT_S": "5",
        # One person's load is that of many.
        "PACE_FIRST_DAY": "comments=100000",
        "ALLOWED_HOSTS": f"127.0.0.1,localhost,{bind.partition(':')[0]}",
    }
    if bind:
        environment["GUNICORN_BIND"] = bind
    (base / "shared" / "env").write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    return base


def new_key(folder: Path) -> Path:
    """Make a key to sign in by, and one of the hosts; return the first."""
    for name in ("key", "host_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "key.pub", folder / "authorized_keys")
    return folder / "key"


def _sshd(folder: Path, name: str, address: str, port: int) -> subprocess.Popen[bytes]:
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # made by an init elsewhere
    options = {
        "Port": port,
        "ListenAddress": address,
        "HostKey": folder / "host_key",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "PidFile": "none",
        "UsePAM": "no",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "MaxStartups": "100",
        # Bash reads ~/.bashrc for each command that comes by SSH. An account made for deploys has Debian's, which does
        # nothing then; whoever runs this may have one that takes half a second.
        "SetEnv": f"HOME={folder}",
        "UseDNS": "no",
        "Subsystem": "sftp internal-sftp",
    }
    words = [word for option, value in options.items() for word in ("-o", f"{option}={value}")]
    log = (folder / f"{name}.sshd.log").open("wb")
    return subprocess.Popen([SSHD, "-D", "-e", "-f", "/dev/null", *words], stdout=log, stderr=log)


def _stop_units(pids: list[int]) -> None:
    """Stop what the hosts run."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    for pid in pids:  # 20 s are given to what is in hand
        wait_until(
            lambda pid=pid: not Path(f"/proc/{pid}").exists() or _is_zombie(pid), seconds=30, what=f"unit {pid} is gone"
        )


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def listens(address: str, port: int) -> bool:
    """Return whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on at any of the hosts' addresses, below those of outgoing connections."""
    found = (port for port in itertools.count(22_000 + os.getpid() % 500 * 10) if not listens("127.0.0.1", port))
    return list(itertools.islice(found, count))
