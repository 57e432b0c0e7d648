"""Keeps the components running: starts each when what it needs answers, restarts what dies and says so, stops in order.

It starts our own code (app components) only once run/wanted says "all": the databases must be migrated first. A
component with a file run/<name>.held is left dead. What the supervisor knows is in run/status.json, written at each
change. SIGHUP makes it look at those files at once.
"""

import json
import logging
import os
import select
import signal
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from stack import accounts, paths, processes, render
from stack.description import Component, components

log = logging.getLogger("stack")

#: Seconds between two looks while something starts or is unwell, and while all is well (a death wakes it at once).
TICK_S, CALM_S = 0.03, 0.5
#: Seconds between probes of a component that answers; and answers it may miss before it counts as unwell.
PROBE_S, MISSES = 5.0, 2
#: Pause before a component that died soon after its start is started again, s: first, doubled each time, and longest.
BACK_OFF_S, BACK_OFF_MAX_S = 0.1, 10.0
#: A component that ran this long died of something new, s: no pause.
STEADY_S = 10.0
#: A log larger than this is put aside when its component starts, bytes.
LOG_MAX_BYTES = 50_000_000


@dataclass
class Kept:
    """A component and what is known of its process."""

    component: Component
    process: subprocess.Popen[bytes] | None = None
    state: str = "waiting"  # waiting, starting, well, unwell, dead, held
    restarts: int = 0
    quick_deaths: int = 0
    misses: int = 0
    why: str = ""
    start_at: float = 0.0
    probe_at: float = 0.0
    making_ready: "Future[None] | None" = None
    probe: "Future[None] | None" = None
    set_up: bool = False
    began: float = field(default_factory=time.monotonic)


class Supervisor:
    """Runs until SIGTERM."""

    def __init__(self) -> None:
        self.kept = {component.name: Kept(component) for component in components()}
        self.pool = ThreadPoolExecutor(len(self.kept))
        self.stopping = False
        self._last_written: dict[str, Any] = {}

    def run(self) -> None:
        """Keep everything running until told to stop; then stop it, what needs others before those others."""
        bell, ring = os.pipe()
        os.set_blocking(bell, False)
        os.set_blocking(ring, False)
        signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, self._hear)
        render.render_all()
        while not self.stopping:
            wanted_all = paths.run("wanted").read_text().strip() == "all"
            for kept in self.kept.values():
                if not kept.component.app or wanted_all:
                    self._look_after(kept)
            self._write_status()
            calm = all(
                kept.state in {"well", "held"} or (kept.component.app and not wanted_all) for kept in self.kept.values()
            )
            if select.select([bell], [], [], CALM_S if calm else TICK_S)[0]:
                os.read(bell, 1000)
        self._stop_all()

    def _hear(self, number: int, _frame: object) -> None:
        self.stopping = self.stopping or number in {signal.SIGTERM, signal.SIGINT}

    def _look_after(self, kept: Kept) -> None:
        held = paths.run(f"{kept.component.name}.held").exists()
        if kept.process is None:
            if held:
                kept.state = "held"
                return
            if kept.state == "held":
                kept.state, kept.start_at, kept.quick_deaths = "dead", 0.0, 0
            # Once is enough: PgBouncer must start again while a shard is dead.
            needed = (self.kept[name].set_up for name in kept.component.after)
            if time.monotonic() >= kept.start_at and (kept.making_ready or all(needed)):
                self._start(kept)
            return
        code = kept.process.poll()
        if code is not None:
            self._died(kept, code, held=held)
        elif kept.probe is not None:
            if kept.probe.done():
                self._judge(kept, kept.probe.exception())
        elif time.monotonic() >= kept.probe_at:
            kept.probe = self.pool.submit(self._probe, kept.component, kept.process.pid, kept.set_up)

    def _start(self, kept: Kept) -> None:
        component = kept.component
        if kept.making_ready is None:
            kept.making_ready = self.pool.submit(component.before)
        if not kept.making_ready.done():
            return
        error = kept.making_ready.exception()
        kept.making_ready = None
        if error is None:
            try:
                kept.process = _spawn(component)
            except (OSError, subprocess.SubprocessError) as failure:
                error = failure
        kept.began = time.monotonic()
        if kept.process is None:
            # Whatever it is, the others go on and this one is tried again.
            log.warning("%s does not start: %s", component.name, error)
            kept.why, kept.state = str(error), "dead"
            self._later(kept)
            return
        processes.remember(component.name, kept.process.pid)
        kept.state, kept.misses, kept.probe_at = "starting", 0, 0.0
        log.info("%s started, pid %d", component.name, kept.process.pid)

    def _probe(self, component: Component, pid: int, set_up: bool) -> None:
        component.probe(pid)
        if not set_up:
            component.ready()

    def _judge(self, kept: Kept, error: BaseException | None) -> None:
        kept.probe = None
        if error is None:
            if kept.state != "well":
                log.info("%s answers after %.1f s", kept.component.name, time.monotonic() - kept.began)
            kept.state, kept.misses, kept.why, kept.set_up = "well", 0, "", True
            kept.probe_at = time.monotonic() + PROBE_S
            return
        kept.why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        kept.misses += 1
        if kept.state == "starting":
            kept.probe_at = time.monotonic() + TICK_S
        else:
            kept.probe_at = time.monotonic() + PROBE_S / 5
            if kept.misses >= MISSES and kept.state != "unwell":
                log.warning("%s does not answer: %s", kept.component.name, kept.why)
                kept.state = "unwell"

    def _died(self, kept: Kept, code: int, *, held: bool) -> None:
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        name = kept.component.name
        if kept.process is not None:
            # Workers without their head would go on answering, on the port that the next head needs.
            processes.kill_group(kept.process.pid)
        kept.process, kept.probe, kept.state, kept.why = None, None, "dead", how
        processes.forget(name)
        if held:
            log.info("%s ended (%s) and is held", name, how)
            return
        kept.restarts += 1
        pause = self._later(kept)
        log.warning("%s died (%s); starting it again in %.1f s, restart %d", name, how, pause, kept.restarts)

    def _later(self, kept: Kept) -> float:
        # A process that ran for a while starts again at once; one that keeps dying waits longer each time.
        kept.quick_deaths = kept.quick_deaths + 1 if time.monotonic() - kept.began < STEADY_S else 0
        pause = min(BACK_OFF_S * 2 ** (kept.quick_deaths - 1), BACK_OFF_MAX_S) if kept.quick_deaths else 0.0
        kept.start_at = time.monotonic() + pause
        return pause

    def _stop_all(self) -> None:
        began = time.monotonic()
        all_of_them = [kept.component for kept in self.kept.values()]
        for batch in (
            [one for one in all_of_them if one.app],
            [one for one in all_of_them if not one.app and not one.name.startswith("postgres_")],
            # Last: what flushes to PostgreSQL on the way out must find it.
            [one for one in all_of_them if one.name.startswith("postgres_")],
        ):
            list(self.pool.map(self._stop, batch))
        log.info("all stopped in %.1f s", time.monotonic() - began)

    def _stop(self, component: Component) -> None:
        began = time.monotonic()
        processes.stop(component.name, component.stop_signal, component.stop_seconds)
        log.info("%s stopped in %.1f s", component.name, time.monotonic() - began)

    def _write_status(self) -> None:
        status = {
            kept.component.name: {
                "state": kept.state,
                "pid": kept.process.pid if kept.process else None,
                "ports": kept.component.ports,
                "restarts": kept.restarts,
                "failures": kept.quick_deaths,
                "why": kept.why,
                "app": kept.component.app,
            }
            for kept in self.kept.values()
        }
        if status != self._last_written:
            target = paths.run("status.json")
            draft = target.with_suffix(".new")
            draft.write_text(json.dumps(status, indent=1))
            draft.replace(target)
            self._last_written = status


def _spawn(component: Component) -> subprocess.Popen[bytes]:
    account = accounts.apps() if component.ours else accounts.servers()
    log_file = paths.log(component.name)
    if log_file.exists() and log_file.stat().st_size > LOG_MAX_BYTES:
        log_file.replace(log_file.with_suffix(".log.1"))
    # Our own code gets the environment, for its settings; a server does not, lest somebody's PGOPTIONS confuse it.
    path = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
    with log_file.open("ab") as output:
        return subprocess.Popen(
            component.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=str(paths.code()) if component.ours else "/",
            env=(dict(os.environ) if component.ours else path) | component.env,
            umask=0o022 if component.ours else 0o077,
            start_new_session=True,
            **account.popen_arguments(),
        )
