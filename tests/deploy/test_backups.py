"""fab backup, restore, drill: what they would run on the database hosts."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

import pytest

from deploy import inventory
from tests.support.hosts import ROOT, SSHD, _sshd, fab, free_ports, listens, new_key
from tests.support.waiting import wait_until

EXAMPLE = inventory.DEFAULT.with_name("inventory.example.toml")


@pytest.mark.parametrize("words", [["backup", "--full"], ["restore", "--remove"], ["drill"]])
def test_a_dry_run_says_what_each_database_host_would_run_and_asks_none(words):
    said = fab(EXAMPLE, *words, "--dry-run")

    assert said.returncode == 0, said.stdout + said.stderr
    for name in ("db-main", "db-a", "db-b"):
        assert name in said.stdout
    assert said.stdout.count("would run: sudo -n -u postgres") == 3
    assert said.stdout.count(" ".join(words)) == 3


@pytest.mark.parametrize("words", [["restore"], ["restore", "--to", "now", "--in-place"], ["drill", "--hosts", "db-z"]])
def test_what_cannot_be_begun_ends_with_2_and_a_sentence(words):
    said = fab(EXAMPLE, *words)

    assert said.returncode == 2
    assert "Traceback" not in said.stderr


#: Host -> address, role.
HOSTS = {"app-1": ("127.0.1.71", "app"), "work-1": ("127.0.1.72", "worker"), "db-1": ("127.0.1.73", "db")}
#: In place of a release's Python: writes down what it is asked, and how many units of ours run anywhere meanwhile.
PYTHON = """#!/bin/bash
running=0
for file in {folder}/*/run/*.pid; do
  [ ! -e "$file" ] || ! kill -0 "$(cat "$file")" 2>/dev/null || running=$((running + 1))
done
shift
echo "$running $*" >>{folder}/asked
[ ! -e {folder}/broken ] || case "$*" in *--in-place*) echo "its disk is full"; exit 1 ;; esac
"""


@dataclass
class Site:
    """Hosts with units that run, by sshd and deploy/host/service; their database is not there."""

    folder: Path

    @property
    def running(self) -> int:
        """How many units run."""
        return sum(_lives(file) for file in self.folder.glob("*/run/*.pid"))

    def asked(self) -> list[str]:
        """What manage.py was asked since the last time, after the number of units that ran then."""
        file = self.folder / "asked"
        lines = file.read_text().splitlines()
        file.unlink()
        return lines


def _lives(file: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(file.read_text()), 0)
        return True
    return False


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    tmp_path.chmod(0o755)
    (port,) = free_ports(1)
    text = f'[site]\nuser = "{getuser()}"\nport = {port}\nservices = "processes"\nssh_key = "{new_key(tmp_path)}"\n'
    sshds = []
    found = Site(tmp_path)
    try:
        for name, (address, role) in HOSTS.items():
            base = tmp_path / name
            _release(base, tmp_path)
            text += f'[hosts.{name}]\naddress = "{address}"\nroles = ["{role}"]\nbase = "{base}"\n'
            sshds.append(_sshd(tmp_path, name, address, port))
        (tmp_path / "inventory.toml").write_text(text + "[servers.main]\nnodes = {db-1 = 5432}\n")
        for address, _ in HOSTS.values():
            wait_until(lambda address=address: listens(address, port), what=f"sshd of {address}")
        for name, (_, role) in HOSTS.items():
            for unit in inventory.UNITS.get(role, ()):
                subprocess.run([tmp_path / name / "current/deploy/host/service", unit, "start"], check=True)
        yield found
    finally:
        for file in tmp_path.glob("*/run/*.pid"):
            with contextlib.suppress(OSError, ValueError):
                os.kill(int(file.read_text()), signal.SIGKILL)
        for process in sshds:
            process.kill()
            process.wait()


def _release(base: Path, folder: Path) -> None:
    release = base / "releases" / "r1"
    scripts = release / "deploy" / "host"
    scripts.mkdir(parents=True)
    (base / "current").symlink_to("releases/r1")
    shutil.copy(ROOT / "deploy" / "host" / "service", scripts)
    (scripts / "run").write_text("#!/bin/bash\nexec sleep 600\n")
    python = release / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON.format(folder=folder))
    for file in (scripts / "run", python):
        file.chmod(0o755)


@pytest.mark.faults
@pytest.mark.skipif(not Path(SSHD).exists(), reason="openssh-server is not installed")
def test_in_place_nothing_of_ours_runs_while_servers_are_between_two_moments(site: Site) -> None:
    before = site.running

    said = fab(site.folder / "inventory.toml", "restore", "--to", "now", "--in-place", "--yes")

    assert said.returncode == 0, said.stdout + said.stderr
    assert site.asked() == [
        f"{before} restore --to now --dry-run",
        "0 restore --to now --in-place --yes --no-heal",
        "0 restore --to now --heal",
    ]
    assert site.running == before == len(inventory.UNITS["app"]) + len(inventory.UNITS["worker"])


@pytest.mark.faults
@pytest.mark.skipif(not Path(SSHD).exists(), reason="openssh-server is not installed")
def test_a_restore_in_place_that_breaks_off_leaves_everything_of_ours_stopped(site: Site) -> None:
    (site.folder / "broken").touch()

    said = fab(site.folder / "inventory.toml", "restore", "--to", "now", "--in-place", "--yes")

    assert said.returncode == 1
    assert "its disk is full" in said.stdout
    assert "our units stay stopped" in said.stdout
    assert len(site.asked()) == 2
    assert site.running == 0
