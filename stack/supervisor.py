"""Keeps the components running: starts each when what it needs answers, restarts what dies and says so, stops in order.

It starts our own code (app components) only once `wanted` says "all": the databases must be migrated first. What it
knows is in run/status.json, written at each change and at least every second.
"""

import json
import logging
import os
import signal
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import FrameType

from stack import accounts, paths, processes, render
from stack.description import Component, components

log = logging.getLogger("stack")

TICK_S = 0.05
#: Seconds between probes of a component that answers; and answers it may miss before it counts as unwell.
PROBE_S, MISSES = 2.0, 2
#: Longest pause before a component that keeps dying is started again, s.
BACK_OFF_MAX_S = 10.0


@dataclass
class Kept:
    """A component and what is known of its process."""

    component: Component
    process: subprocess.Popen[bytes] | None = None
    state: str = "waiting"  # waiting, starting, well, unwell, dead
    restarts: int = 0
    misses: int = 0
    why: str = ""
    start_at: float = 0.0
    probe_at: float = 0.0
    probe: "Future[None] | None" = None
    set_up: bool = False
    since: float = field(default_factory=time.time)


class Supervisor:
    """Runs until SIGTERM."""

    def __init__(self) -> None:
        self.kept = {component.name: Kept(component) for component in components()}
        self.stopping = False
        self.pool = ThreadPoolExecutor(len(self.kept))
        self._written = 0.0

    def run(self) -> None:
        """Keep everything running until told to stop; then stop it, what needs others before those others."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        render.render_all()
        while not self.stopping:
            before = self._states()
            wanted_all = paths.run("wanted").read_text().strip() == "all"
            for kept in self.kept.values():
                if not kept.component.app or wanted_all:
                    self._look_after(kept)
            if self._states() != before or time.monotonic() - self._written > 1:
                self._write_status()
            time.sleep(TICK_S)
        self._stop_all()

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _states(self) -> list[tuple[str, int]]:
        return [(kept.state, kept.restarts) for kept in self.kept.values()]

    def _look_after(self, kept: Kept) -> None:
        if kept.process is None:
            needed = (self.kept[name].state == "well" for name in kept.component.after)
            if time.monotonic() >= kept.start_at and all(needed):
                self._start(kept)
            return
        code = kept.process.poll()
        if code is not None:
            self._died(kept, code)
        elif kept.probe is not None and kept.probe.done():
            self._judge(kept, kept.probe.exception())
        elif kept.probe is None and time.monotonic() >= kept.probe_at:
            kept.probe = self.pool.submit(self._probe, kept)

    def _start(self, kept: Kept) -> None:
        component = kept.component
        account = accounts.apps() if component.app else accounts.servers()
        try:
            component.before()
            with paths.log(component.name).open("ab") as output:
                kept.process = subprocess.Popen(
                    component.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=str(paths.code()) if component.app else "/",
                    env=os.environ | component.env,
                    start_new_session=True,
                    **account.popen_arguments(),  # type: ignore[call-overload]
                )
        except Exception as error:  # whatever it is, the others go on and this one is tried again
            log.error("%s does not start: %s", component.name, error)
            kept.why, kept.state = str(error), "dead"
            self._later(kept)
            return
        processes.remember(component.name, kept.process.pid)
        kept.state, kept.misses, kept.since, kept.probe_at = "starting", 0, time.time(), 0.0
        log.info("%s started, pid %d", component.name, kept.process.pid)

    def _probe(self, kept: Kept) -> None:
        assert kept.process is not None
        kept.component.probe(kept.process.pid)
        if not kept.set_up:
            kept.component.ready()
            kept.set_up = True

    def _judge(self, kept: Kept, error: BaseException | None) -> None:
        kept.probe = None
        if error is None:
            if kept.state != "well":
                log.info("%s answers after %.1f s", kept.component.name, time.time() - kept.since)
            kept.state, kept.misses, kept.why = "well", 0, ""
            kept.probe_at = time.monotonic() + PROBE_S
            return
        kept.why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        kept.misses += 1
        if kept.state == "starting":
            kept.probe_at = time.monotonic() + TICK_S
        else:
            kept.probe_at = time.monotonic() + PROBE_S / 2
            if kept.misses >= MISSES and kept.state != "unwell":
                log.warning("%s does not answer: %s", kept.component.name, kept.why)
                kept.state = "unwell"

    def _died(self, kept: Kept, code: int) -> None:
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        kept.restarts += 1
        kept.why = how
        log.warning("%s died (%s); starting it again, time %d", kept.component.name, how, kept.restarts)
        kept.process, kept.probe, kept.state = None, None, "dead"
        processes.forget(kept.component.name)
        self._later(kept)

    def _later(self, kept: Kept) -> None:
        # A process that ran for a while starts again at once; one that keeps dying waits longer each time.
        quick = time.time() - kept.since < 10
        pause = min(0.2 * 2 ** min(kept.restarts, 10), BACK_OFF_MAX_S) if quick else 0.0
        kept.start_at = time.monotonic() + pause

    def _stop_all(self) -> None:
        started = time.monotonic()
        for app in (True, False):
            batch = [kept.component for kept in self.kept.values() if kept.component.app is app]
            # PostgreSQL last: what flushes to it on the way out must find it.
            for last in (False, True):
                names = [c for c in batch if c.name.startswith("postgres_") is last]
                list(self.pool.map(lambda c: processes.stop(c.name, c.stop_signal, c.stop_seconds), names))
        log.info("all stopped in %.1f s", time.monotonic() - started)

    def _write_status(self) -> None:
        self._written = time.monotonic()
        status = {
            kept.component.name: {
                "state": kept.state,
                "pid": kept.process.pid if kept.process else None,
                "ports": kept.component.ports,
                "restarts": kept.restarts,
                "why": kept.why,
                "since": kept.since,
                "app": kept.component.app,
            }
            for kept in self.kept.values()
        }
        target = paths.run("status.json")
        draft = target.with_suffix(".new")
        draft.write_text(json.dumps(status, indent=1))
        draft.replace(target)
