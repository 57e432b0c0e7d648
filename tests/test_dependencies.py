"""The two packages asked for by name that do not work as released on a Python of today, shown in the act.

README.md says what takes their place. When a new release makes one of these tests fail, look at the replacement again.
"""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import wait_until


def install(package: str, target: Path) -> None:
    """Install one package, without what it depends on, into a folder of this test; skip when no registry answers."""
    result = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), package],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if result.returncode:
        pytest.skip(f"{package} cannot be had here: {result.stderr.strip().splitlines()[-1]}")


def run(program: str, target: Path) -> subprocess.CompletedProcess[str]:
    # -I keeps this repository and its own `gearman` away; the folder comes first.
    return subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(target)!r})\n{program}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def gearmand_port() -> Iterator[int]:
    """A gearmand of this test's own: the job it is sent is never done."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    program = shutil.which("gearmand", path="/usr/sbin:/usr/bin") or "gearmand"
    server = subprocess.Popen([program, "-L", "127.0.0.1", "-p", str(port), "-l", "stderr"], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, what="the test's own gearmand")
        yield port
    finally:
        server.kill()
        server.wait()


SUBMIT = """
import gearman
client = gearman.GearmanClient(["127.0.0.1:{port}"])
print(gearman.__file__, client.submit_job("task", b"x", background=True, poll_timeout=5.0).state)
"""


def test_gearman3_fails_on_the_first_reply_of_gearmand(tmp_path: Path, gearmand_port: int) -> None:
    install("gearman3==0.2.1", tmp_path)

    result = run(SUBMIT.format(port=gearmand_port), tmp_path)

    assert result.returncode != 0
    assert "AttributeError: 'array.array' object has no attribute 'fromstring'" in result.stderr


def test_pygearman_does_the_same_under_the_same_import_name(tmp_path: Path, gearmand_port: int) -> None:
    result = run(SUBMIT.format(port=gearmand_port), tmp_path)

    assert result.returncode == 0, result.stderr
    assert "CREATED" in result.stdout


def test_pyapns2_cannot_be_imported(tmp_path: Path) -> None:
    install("pyapns2==2.0.0", tmp_path)

    result = run("import apns", tmp_path)

    assert result.returncode != 0
    assert "SyntaxError" in result.stderr
    assert "except ssl.SSLError, err:" in result.stderr


def test_aioapns_which_takes_its_place_can(tmp_path: Path) -> None:
    result = run("import aioapns; aioapns.APNs", tmp_path)

    assert result.returncode == 0, result.stderr
