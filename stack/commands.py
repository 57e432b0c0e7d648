"""What bin/up, bin/down and bin/up --status do."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from rich.console import Console
from rich.table import Table

from stack import accounts, paths, processes
from stack.description import components
from stack.errors import ComponentFailed, StackError

console = Console(highlight=False, soft_wrap=True)


def up(*, fresh: bool, sure: bool, demo: bool, apps: bool) -> int:
    """Start what does not run, migrate, load the demo once; say where things are. Changes nothing when all is there."""
    started = time.monotonic()
    _check_state_dir()
    with _one_at_a_time():
        if fresh:
            _begin_anew(sure)
        paths.make_all()
        _hand_over_directories()
        if processes.running("supervisor") is None:
            _stop_leftovers()
            _check_ports()
            paths.run("wanted").write_text("servers")
            paths.run("status.json").unlink(missing_ok=True)
            _start_supervisor()
        with step("servers"):
            _wait_until_well(lambda facts: not facts["app"])
        if apps:
            with step("databases and shards"):
                _manage("migrate", "--no-input", "-v0")
                _manage("shards", "create")
                _manage("store_assets")
            paths.run("wanted").write_text("all")
            with step("web, workers"):
                _wait_until_well(lambda facts: True)
            if demo and not (paths.state() / "demo.json").exists():
                console.print("demo")
                _manage("demo", show=True)
    _summary(apps=apps, seconds=time.monotonic() - started)
    return 0


def down() -> int:
    """Stop exactly what up() started."""
    pid = processes.running("supervisor")
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        if not processes.wait_gone(pid, 60):
            raise ComponentFailed(f"the supervisor (pid {pid}) does not end; its log: {paths.log('supervisor')}")
    processes.forget("supervisor")
    left = _stop_leftovers()
    console.print("stopped" if pid or left else "nothing of ours was running")
    return 0


def status() -> int:
    """Show every component; exit code 0 when all are well, 1 otherwise."""
    facts = _facts()
    supervised = processes.running("supervisor") is not None
    table = Table("component", "port", "pid", "health", "restarts", box=None, pad_edge=False)
    well = supervised and bool(facts)
    for component in components():
        fact = facts.get(component.name, {})
        state = fact.get("state", "not started") if supervised else "stopped"
        well = well and (state == "well" or (fact.get("app", True) and state == "waiting"))
        health = state if state == "well" or not fact.get("why") else f"{state}: {fact['why']}"
        ports = ", ".join(map(str, component.ports[:1])) + (" …" if len(component.ports) > 1 else "")
        table.add_row(
            component.name,
            ports,
            str(fact.get("pid") or "" if supervised else ""),
            health,
            str(fact.get("restarts", 0)),
        )
    console.print(table)
    if not supervised:
        console.print("The data centre is not running: bin/up starts it.")
    return 0 if well else 1


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is done and how long it took, one line."""
    started = time.monotonic()
    yield
    console.print(f"{what:<24}{time.monotonic() - started:6.1f} s")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    paths.make_all()
    with paths.run("up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StackError("another bin/up is at work in this directory.") from None
        yield


def _check_state_dir() -> None:
    try:
        paths.make_all()
        probe = paths.run("writable")
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise StackError(
            f"{paths.state()} cannot be written: {error.strerror}. STATE_DIR names another place."
        ) from None
    free_mb = shutil.disk_usage(paths.state()).free // 1_000_000
    if free_mb < settings.STACK_MIN_FREE_MB:
        raise StackError(
            f"only {free_mb} MB are free below {paths.state()}; {settings.STACK_MIN_FREE_MB} MB are needed."
        )


def _hand_over_directories() -> None:
    account = accounts.servers()
    for name in ("data", "log", "run"):
        account.own(paths.state() / name)
    paths.data("").chmod(0o711)


def _check_ports() -> None:
    for component in components():
        for port in component.ports:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    raise StackError(
                        f"port {port}, wanted by {component.name}, is taken by another program;"
                        " stop that, or move ours with PORT_OFFSET (docs/stack.md)."
                    ) from None


def _begin_anew(sure: bool) -> None:
    if not sure:
        if not sys.stdin.isatty():
            raise StackError("--fresh deletes all data of this data centre; add --yes to mean it.")
        answer = input(f"Delete all photos, people and logs below {paths.state()}? [y/N] ")
        if answer.strip().lower() not in {"y", "yes"}:
            raise StackError("nothing was deleted.")
    down()
    for name in ("data", "etc", "log"):
        shutil.rmtree(paths.state() / name, ignore_errors=True)
    (paths.state() / "demo.json").unlink(missing_ok=True)


def _start_supervisor() -> None:
    with paths.log("supervisor").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "stack", "supervise"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=paths.code(),
            start_new_session=True,
        )
    processes.remember("supervisor", process.pid)


def _stop_leftovers() -> int:
    """Stop what a supervisor that was killed left behind; return how many processes that were."""
    left = [component for component in reversed(components()) if processes.running(component.name)]
    for component in left:
        processes.stop(component.name, component.stop_signal, component.stop_seconds)
    return len(left)


def _facts() -> dict[str, dict]:
    try:
        return json.loads(paths.run("status.json").read_text())
    except (OSError, ValueError):
        return {}


def _wait_until_well(concerns: object) -> None:
    moment = time.monotonic() + settings.STACK_READY_TIMEOUT_S
    while True:
        facts = {name: fact for name, fact in _facts().items() if concerns(fact)}  # type: ignore[operator]
        if facts and all(fact["state"] == "well" for fact in facts.values()):
            return
        unwell = {name: fact for name, fact in facts.items() if fact["state"] != "well"}
        often = {name: fact for name, fact in unwell.items() if fact["restarts"] >= 5}
        if often or time.monotonic() > moment:
            name, fact = next(iter((often or unwell or {"supervisor": {}}).items()))
            raise ComponentFailed(
                f"{name} does not come up ({fact.get('why') or 'no answer'}); its log: {paths.log(name)}"
            )
        if processes.running("supervisor") is None:
            raise ComponentFailed(f"the supervisor ended; its log: {paths.log('supervisor')}")
        time.sleep(0.05)


def _manage(*words: str, show: bool = False) -> None:
    command = [sys.executable, str(paths.code() / "manage.py"), *words]
    result = subprocess.run(command, cwd=paths.code(), check=False, text=True, capture_output=not show)
    if result.returncode:
        said = (result.stderr or result.stdout or "").strip().splitlines()
        raise ComponentFailed(f"manage.py {' '.join(words)} failed: {said[-1] if said else 'see above'}")


def _summary(*, apps: bool, seconds: float) -> None:
    console.print(f"ready after {seconds:.1f} s\n")
    console.print(f"  logs       {paths.state() / 'log'}")
    if not apps:
        return
    base = f"http://127.0.0.1:{settings.APP_PORT}"
    console.print(f"  address    {base}")
    try:
        demo = json.loads((paths.state() / "demo.json").read_text())
    except OSError:
        return
    for login in demo["logins"]:
        console.print(f"  login      {login['username']}  {login['password']}")
    console.print(f"  feed       curl '{base}/v1/users/self/feed?access_token={demo['logins'][0]['access_token']}'")
    console.print("  stop       bin/down")
