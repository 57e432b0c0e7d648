"""Pid files that cannot name a stranger: pid, the tick its process began at, and the boot that counts those ticks."""

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil

from stack import paths


def remember(name: str, pid: int) -> None:
    """Write a component's pid file."""
    began = _began(pid)
    if began:
        paths.run(f"{name}.pid").write_text(f"{pid} {began}\n")


def running(name: str) -> int | None:
    """Return the pid of a component that runs, else None: a recycled pid began at another moment."""
    try:
        pid, began = paths.run(f"{name}.pid").read_text().strip().split(" ", 1)
    except (OSError, ValueError):
        return None
    return int(pid) if pid.isdigit() and began == _began(int(pid)) else None


def forget(name: str) -> None:
    """Remove a component's pid file."""
    paths.run(f"{name}.pid").unlink(missing_ok=True)


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all it started: PostgreSQL's backends, nginx's and Gunicorn's workers."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def send(pid: int, how: signal.Signals) -> None:
    """Send a signal to a process and to all it started: what is killed or frozen so is dead or frozen as a whole."""
    for member in family(pid):
        with contextlib.suppress(psutil.Error):
            member.send_signal(how)


def stop(name: str, how: signal.Signals, seconds: float) -> None:
    """End a component and what it started, gracefully for `seconds`, then not."""
    pid = running(name)
    members = family(pid) if pid is not None else []
    if members:
        with contextlib.suppress(psutil.Error):
            members[0].send_signal(how)
        # A frozen process hears the signal when it is thawed.
        send(members[0].pid, signal.SIGCONT)
        psutil.wait_procs(members[:1], timeout=seconds)
        for member in members:
            with contextlib.suppress(psutil.Error):
                member.kill()
        psutil.wait_procs(members, timeout=2)
    forget(name)


def kill_group(pid: int) -> None:
    """Kill what is left of the process group of a dead process that led it (its number is not reused before)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def wait_gone(pid: int, seconds: float) -> bool:
    """Return True once a process is gone, False if it stays longer than `seconds`."""
    moment = time.monotonic() + seconds
    while _began(pid):
        if time.monotonic() > moment:
            return False
        time.sleep(0.02)
    return True


def _began(pid: int) -> str:
    """Return when a process began, or "" when it is gone or a zombie."""
    try:
        # The name, in brackets, may hold spaces and brackets: what counts follows the last one.
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    # Not the wall clock: it is set now and then, and the moment computed from it with it.
    return "" if facts[0] in {"Z", "X"} else f"{facts[19]} {boot}"
