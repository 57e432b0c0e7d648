"""Pid files that cannot name a stranger: each holds the pid and the moment its process began."""

import contextlib
import os
import signal
import time

import psutil

from stack import paths


def remember(name: str, pid: int) -> None:
    """Write a component's pid file."""
    paths.run(f"{name}.pid").write_text(f"{pid} {psutil.Process(pid).create_time()}\n")


def running(name: str) -> int | None:
    """Return the pid of a component that runs, else None: a recycled pid began at another moment."""
    try:
        pid, began = paths.run(f"{name}.pid").read_text().split()
        process = psutil.Process(int(pid))
        alive = process.create_time() == float(began) and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, psutil.Error):
        return None
    return int(pid) if alive else None


def forget(name: str) -> None:
    """Remove a component's pid file."""
    paths.run(f"{name}.pid").unlink(missing_ok=True)


def stop(name: str, how: signal.Signals, seconds: float) -> None:
    """End a component and what it started, gracefully for `seconds`, then not."""
    pid = running(name)
    if pid is None:
        forget(name)
        return
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        # A frozen process hears no signal but these.
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, how)
        _, left = psutil.wait_procs(family[:1], timeout=seconds)
        for member in family:
            if member in left or member.is_running():
                with contextlib.suppress(psutil.Error):
                    member.kill()
        psutil.wait_procs(family, timeout=2)
    forget(name)


def wait_gone(pid: int, seconds: float) -> bool:
    """Return True once a process is gone, False if it stays longer than `seconds`."""
    moment = time.monotonic() + seconds
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > moment:
            return False
        time.sleep(0.02)
    return True
