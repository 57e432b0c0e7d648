"""bin/up, bin/down and bin/test as a stranger runs them, where they must refuse: one clear sentence and exit code 2."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.private import ROOT, PrivateStack, private_place

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without rights")


@pytest.fixture
def place() -> Iterator[PrivateStack]:
    """A data centre that was never started."""
    with private_place("--no-apps") as stack:
        yield stack


@pytest.fixture
def clone() -> Iterator[Path]:
    """A copy of what bin/up needs before anything is installed, where everybody may read."""
    folder = Path(tempfile.mkdtemp(prefix="instagram-clone-"))
    for name in ("bin", "stack", "instagram"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.txt", "requirements-dev.txt", "manage.py"):
        shutil.copy(ROOT / name, folder / name)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def up(clone: Path, *, account: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    become = ["setpriv", f"--reuid={account}", "--regid=nogroup", "--clear-groups"] if account else []
    environment = {name: value for name, value in os.environ.items() if name not in {"STATE_DIR", "PORT_OFFSET"}}
    return subprocess.run(
        [*become, str(clone / "bin" / "up"), "--no-demo"],
        env=environment | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refusal(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence of a refusal; nothing else may be said as an error."""
    lines = result.stderr.strip().splitlines()
    assert result.returncode == 2, result.stdout + result.stderr
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("bin/")
    return lines[0]


def test_a_taken_port_is_named_with_who_wants_and_who_has_it(place: PrivateStack) -> None:
    port = 17379 + int(place.env["PORT_OFFSET"])
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()

        said = refusal(place.up())

    assert f"port {port}, wanted by redis_1, is taken by" in said
    assert f"(pid {os.getpid()})" in said
    assert "PORT_OFFSET" in said


@pytest.mark.parametrize(
    ("offset", "said"),
    [("many", "a setting in the environment or in .env cannot be read"), ("60000", "PORT_OFFSET is")],
)
def test_a_port_that_cannot_be_is_said(place: PrivateStack, offset: str, said: str) -> None:
    place.env["PORT_OFFSET"] = offset

    assert said in refusal(place.up())


def test_a_full_disk_is_said_before_anything_is_written(place: PrivateStack) -> None:
    place.env["STACK_MIN_FREE_MB"] = "999999999"

    assert "MB are free below" in refusal(place.up())
    assert not list(place.state_dir.glob("data/*"))


def test_a_full_disk_below_state_dir_is_said_too(place: PrivateStack) -> None:
    # /dev/shm is a disk of its own, smaller than the one the clone is on.
    free_mb = shutil.disk_usage(ROOT).free // 1_048_576
    shm_mb = shutil.disk_usage("/dev/shm").free // 1_048_576
    if shm_mb >= free_mb:
        pytest.skip("/dev/shm is larger than the disk of the clone")
    place.env |= {"STACK_MIN_FREE_MB": str(shm_mb + 1_000), "STATE_DIR": tempfile.mkdtemp(dir="/dev/shm")}
    Path(place.env["STATE_DIR"]).chmod(0o755)
    try:
        assert "MB are free below /dev/shm" in refusal(place.up())
    finally:
        shutil.rmtree(place.env["STATE_DIR"])


def test_an_unknown_option_is_named(place: PrivateStack) -> None:
    assert "--tomorrow" in refusal(place.up("--tomorrow"))


def test_fresh_without_a_terminal_wants_a_yes(place: PrivateStack) -> None:
    result = place.run([str(ROOT / "bin" / "up"), "--fresh"], check=False, stdin=subprocess.DEVNULL)

    assert "--yes" in refusal(result)


def test_help_and_status_install_nothing(clone: Path) -> None:
    for option, code in (("--help", 0), ("--status", 1)):
        result = subprocess.run([clone / "bin" / "up", option], capture_output=True, text=True, timeout=20, check=False)

        assert (result.returncode, result.stderr) == (code, "")
        assert not (clone / ".local").exists()


def test_status_of_what_does_not_run_says_how_to_start_it(place: PrivateStack) -> None:
    result = place.run([str(ROOT / "bin" / "up"), "--status"], check=False)

    assert result.returncode == 1
    assert "bin/up starts it" in result.stdout


def test_down_where_nothing_runs_says_so(place: PrivateStack) -> None:
    result = place.down()

    assert (result.returncode, result.stdout.strip()) == (0, "nothing of ours was running")


def test_down_leaves_a_stranger_alone_that_has_the_pid_of_one_of_ours(place: PrivateStack) -> None:
    (place.state_dir / "run").mkdir()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        (place.state_dir / "run" / "redis_1.pid").write_text(f"{stranger.pid} 1 {boot}\n")
        place.down()

        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@needs_root
def test_a_directory_that_is_not_ours_to_write_is_named(clone: Path) -> None:
    assert f"{clone}/.local cannot be written by nobody" in refusal(up(clone, account="nobody"))


@needs_root
def test_missing_packages_without_the_right_to_install_them_are_named(clone: Path) -> None:
    (clone / "bin" / "lib" / "packages.txt").write_text("# none such\npostgresql-15\nno-such-package-of-ours\n")
    shutil.chown(clone, "nobody")

    assert "sudo apt-get install no-such-package-of-ours" in refusal(up(clone, account="nobody"))


@pytest.mark.faults
def test_without_a_network_the_python_packages_are_asked_for_in_one_sentence(clone: Path) -> None:
    nowhere = "http://127.0.0.1:9/simple"  # the discard port: nobody listens
    result = up(
        clone, PIP_CONFIG_FILE="/dev/null", PIP_INDEX_URL=nowhere, PIP_EXTRA_INDEX_URL=nowhere, PIP_FIND_LINKS=""
    )

    said = refusal(result)
    assert "is there a network?" in said
    assert f"{clone}/.local/pip.log" in said


@needs_root
@pytest.mark.faults
def test_without_a_network_the_debian_packages_are_asked_for_in_one_sentence(clone: Path) -> None:
    # A package that Debian has and this machine has not; the proxy is the discard port, where nobody listens.
    (clone / "bin" / "lib" / "packages.txt").write_text("cowsay\n")
    if shutil.which("cowsay", path="/usr/games"):
        pytest.skip("somebody installed cowsay")
    apt = clone / "apt.conf"
    apt.write_text(
        'Acquire::http::Proxy "http://127.0.0.1:9";\n'
        'Acquire::https::Proxy "http://127.0.0.1:9";\n'
        'Acquire::Retries "0";\n'
    )
    policy = Path("/usr/sbin/policy-rc.d")
    before = policy.read_text() if policy.exists() else None

    said = refusal(up(clone, APT_CONFIG=str(apt)))

    assert "is there a network?" in said
    assert f"{clone}/.local/apt.log" in said
    # Services may start again as they might before.
    assert (policy.read_text() if policy.exists() else None) == before
