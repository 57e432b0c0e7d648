"""What bin/up, bin/down and bin/up --status do."""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

from instagram import topology
from stack import accounts, paths, processes, refusals, render, waiting
from stack.description import Component, components, every_component
from stack.errors import ComponentFailed, StackError


def up(*, fresh: bool, sure: bool, demo: bool, apps: bool) -> int:
    """Start what does not run, migrate, load the demo once; say where things are. Changes nothing when all is there."""
    began = time.monotonic()
    refusals.check_state_dir()
    with one_at_a_time():
        if fresh:
            _begin_anew(sure)
        _make_directories()
        # Every later command, and manage.py, is about the same one.
        (paths.state() / "kind.env").write_text(f"STACK_KIND={settings.STACK_KIND}\n")
        _start_supervisor_if_needed()
        with step("servers"):
            waiting.wait_until_well(lambda fact: not fact["app"])
        if apps:
            with step("databases, shards"):
                _run_python("-m", "stack", "migrate")
            if _order("wanted", "all"):
                waiting.ring()
            with step("web, workers"):
                waiting.wait_until_well(lambda fact: True)
            if demo and not demo_file().exists():
                # Outside the step: it shows its own progress.
                _run_python("manage.py", "demo", show=True)
    _summary(apps=apps, seconds=time.monotonic() - began)
    return 0


def down() -> int:
    """Stop exactly what up() started."""
    began = time.monotonic()
    pid = processes.running("supervisor")
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        if not processes.wait_gone(pid, 60):
            raise ComponentFailed(f"the supervisor (pid {pid}) does not end; its log: {paths.log('supervisor')}")
    processes.forget("supervisor")
    left = _stop_leftovers()
    say(f"stopped in {time.monotonic() - began:.1f} s" if pid or left else "nothing of ours was running")
    return 0


def status(*, apps: bool = True) -> int:
    """Ask every component now; return 0 when all are well, 1 otherwise."""
    asked = [component for component in components() if apps or not component.app]
    kept = processes.running("supervisor") is not None
    facts = waiting.facts() if kept else {}
    with ThreadPoolExecutor(len(asked)) as pool:
        healths = list(pool.map(_health, asked))
    rows = [
        (
            component.name,
            ", ".join(map(str, component.ports[:1])) + (" …" if component.ports[1:] else ""),
            str(processes.running(component.name) or ""),
            health,
            str(facts.get(component.name, {}).get("restarts", 0)),
        )
        for component, health in zip(asked, healths, strict=True)
    ]
    _print_table([("component", "port", "pid", "health", "restarts"), *rows])
    if not kept:
        running = any(health == "well" for health in healths)
        say("nobody keeps them running: bin/up" if running else "the data centre does not run: bin/up starts it")
    return 0 if kept and all(health == "well" for health in healths) else 1


def restart(names: list[str]) -> int:
    """End components gracefully and let the supervisor start them again; without names, all that runs our own code."""
    known = {component.name: component for component in components()}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise StackError(f"there is no component {unknown[0]}; there are {', '.join(known)}.")
    if processes.running("supervisor") is None:
        raise StackError("the data centre does not run; bin/up starts it.")
    chosen = [known[name] for name in names] or [one for one in known.values() if one.ours]
    chosen = [one for one in chosen if processes.running(one.name)]
    # Of two Gunicorns one always serves.
    later = [one for one in chosen if one.name.startswith("gunicorn_")][1:]
    with step(f"{len(chosen)} restarted"):
        for batch in ([one for one in chosen if one not in later], *([one] for one in later)):
            _restart_at_once(batch)
    return 0


def _restart_at_once(chosen: list[Component]) -> None:
    for one in chosen:
        paths.run(f"{one.name}.held").touch()
    try:
        with ThreadPoolExecutor(len(chosen) or 1) as pool:
            list(pool.map(lambda one: processes.stop(one.name, one.stop_signal, one.stop_seconds), chosen))
        waiting.wait_for(lambda facts: all(facts[one.name]["state"] == "held" for one in chosen))
    finally:
        for one in chosen:
            paths.run(f"{one.name}.held").unlink(missing_ok=True)
    waiting.ring()
    waiting.wait_for(lambda facts: all(facts[one.name]["state"] != "held" for one in chosen))
    waiting.wait_until_well(lambda fact: fact["name"] in {one.name for one in chosen})


def migrate() -> int:
    """Bring databases and shards up to date, and once for each version the static files and our own pictures."""
    django.setup()  # here alone the stack needs our rooms
    call_command("migrate", interactive=False, verbosity=0)
    call_command("shards", "create")
    version = hashlib.sha256()
    for file in [paths.code() / "requirements.txt", *sorted(paths.code().glob("*/static/**/*"))]:
        version.update(f"{file} {file.stat().st_mtime_ns}".encode())
    done = paths.run("static.done")
    if _text(done) != version.hexdigest():
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("store_assets")
        done.write_text(version.hexdigest())
    return 0


def say(words: str) -> None:
    """Print a line, at once: whoever waits reads along."""
    print(words, flush=True)


def demo_file() -> Path:
    """Where the demo says who can log in: {"logins": [{"username", "password", "access_token"}, …]}."""
    return paths.state() / "demo.json"


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is done and how long it took, one line."""
    began = time.monotonic()
    yield
    say(f"{what:<24}{time.monotonic() - began:6.1f} s")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keep other commands that change the data centre away meanwhile. Raises StackError."""
    with paths.run("up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StackError(f"another bin/up or promotion is at work on {paths.state()}.") from None
        yield


def _make_directories() -> None:
    paths.make_all()
    account = accounts.servers()
    for name in ("captures", "data", "log", "run"):
        account.own(paths.state() / name)
        (paths.state() / name).chmod(0o755)


def _start_supervisor_if_needed() -> None:
    now = render.fingerprint()
    if processes.running("supervisor") is not None:
        if _text(paths.run("fingerprint")) == now:
            return
        say("settings or configuration have changed: all stops and starts anew")
        down()
    _stop_leftovers()
    refusals.check_ports()
    for held in paths.run("").glob("*.held"):
        held.unlink()
    paths.run("wanted").write_text("servers")
    paths.run("fingerprint").write_text(now)
    paths.run("status.json").unlink(missing_ok=True)
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


def _begin_anew(sure: bool) -> None:
    if not sure:
        if not sys.stdin.isatty():
            raise StackError("--fresh deletes all data of this data centre; add --yes to mean it.")
        answer = input(f"Delete all photos, people, backups and logs below {paths.state()}? [y/N] ")
        if answer.strip().lower() not in {"y", "yes"}:
            raise StackError("nothing was deleted.")
    down()
    # Backups, too: pgBackRest takes no new server's where there are those of another.
    for name in ("backups", "captures", "data", "etc", "log", "scratch", "static"):
        shutil.rmtree(paths.state() / name, ignore_errors=True)
    told = (
        demo_file(),
        topology.path(),
        paths.state() / "phones.json",
        paths.run("static.done"),
        paths.run("drill.json"),
    )
    for file in told:
        file.unlink(missing_ok=True)


def _stop_leftovers() -> int:
    """Stop what a supervisor that was killed left behind; return how many components that were."""
    left = [component for component in reversed(every_component()) if processes.running(component.name)]
    for component in left:
        processes.stop(component.name, component.stop_signal, component.stop_seconds)
    return len(left)


def _order(file: str, word: str) -> bool:
    """Leave a word for the supervisor; return False if it stands there already."""
    target = paths.run(file)
    if _text(target).strip() == word:
        return False
    target.write_text(word)
    return True


def _run_python(*words: str, show: bool = False) -> None:
    result = subprocess.run([sys.executable, *words], cwd=paths.code(), check=False, text=True, capture_output=not show)
    if result.returncode:
        said = ((result.stderr or "") + (result.stdout or "")).strip().splitlines()
        if not show:
            paths.log("migrate").write_text("\n".join(said) + "\n")
        why = f": {said[-1]} (all of it: {paths.log('migrate')})" if said else ""
        raise ComponentFailed(f"{' '.join(words)} failed{why}")


def _health(component: Component) -> str:
    pid = processes.running(component.name)
    if pid is None:
        return "held" if paths.run(f"{component.name}.held").exists() else "not running"
    try:
        component.probe(pid)
    except Exception as error:  # whatever keeps it from answering is the answer
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return f"unwell: {lines[0]}"
    return "well"


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _summary(*, apps: bool, seconds: float) -> None:
    other = "--lean goes back" if settings.STACK_KIND == "full" else "--full has replicas and a load balancer"
    say(f"ready after {seconds:.1f} s: the {settings.STACK_KIND} data centre (bin/up {other})\n")
    base = f"{settings.EDGE_SCHEME}://127.0.0.1:{settings.APP_PORT}"
    if apps:
        say(f"  address    {base}")
    if apps and demo_file().exists():
        told = json.loads(demo_file().read_text())
        logins = told["logins"][:2]
        for login in logins:
            say(f"  login      {login['username']}, password {login['password']}")
        for login in told.get("staff", [])[:2]:
            say(f"  staff      {login['username']}, password {login['password']}, at {base}/admin/")
        say(f"  feed       curl '{base}/v1/users/self/feed?access_token={logins[0]['access_token']}'")
    if apps:
        pages = "pushes: /inbox, mails: /outbox, shares: /shares"
        say(f"  page       http://127.0.0.1:{settings.STACK_PAGE_PORT} ({pages})")
    say(f"  logs       {paths.state() / 'log'}")
    say("  stop       bin/down")


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""
