"""Waits for what the supervisor says of its components, and says why a wait was in vain."""

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings

from stack import paths, processes
from stack.component import Component
from stack.errors import ComponentFailed

#: A component that died so often in a row while it was started is not waited for any longer.
DEATHS_MAX = 6

Fact = dict[str, Any]


def ring() -> None:
    """Make the supervisor look at its files at once."""
    pid = processes.running("supervisor")
    if pid is not None:
        os.kill(pid, signal.SIGHUP)


def facts() -> dict[str, Fact]:
    """Return what the supervisor knows of each component: state, pid, ports, restarts, why."""
    try:
        known = json.loads(paths.run("status.json").read_text())
    except (OSError, ValueError):
        return {}
    return {name: fact | {"name": name} for name, fact in known.items()}


def wait_for(condition: Callable[[dict[str, Fact]], bool]) -> None:
    """Wait until a condition holds. Raises ComponentFailed when the supervisor ends or does not get there."""
    deadline = time.monotonic() + settings.STACK_READY_TIMEOUT_S
    while not condition(facts()):
        if processes.running("supervisor") is None:
            raise ComponentFailed(f"the supervisor ended{last_words('supervisor')}")
        if time.monotonic() > deadline:
            raise ComponentFailed(f"the supervisor does not follow{last_words('supervisor')}")
        time.sleep(0.02)


def wait_for_answer(component: Component) -> None:
    """Ask a component, which somebody else runs, until it answers. Raises ComponentFailed."""
    deadline = time.monotonic() + settings.STACK_READY_TIMEOUT_S
    while True:
        try:
            component.probe(os.getpid())
        except Exception as error:  # whatever keeps it from answering: it is asked again
            if time.monotonic() > deadline:
                raise ComponentFailed(f"{component.name} does not answer: {error}") from error
            time.sleep(0.2)
        else:
            return


def wait_until_well(concerns: Callable[[Fact], bool]) -> None:
    """Wait for components. Raises ComponentFailed, naming one that keeps dying or is late."""
    deadline = time.monotonic() + settings.STACK_READY_TIMEOUT_S
    wait_for(bool)
    while True:
        unwell = [fact for fact in facts().values() if concerns(fact) and fact["state"] != "well"]
        if not unwell:
            return
        failing = [fact for fact in unwell if fact["failures"] >= DEATHS_MAX]
        if failing or time.monotonic() > deadline:
            fact = (failing or [fact for fact in unwell if fact["state"] != "waiting"] or unwell)[0]
            raise ComponentFailed(
                f"{fact['name']} does not come up ({fact['why'] or 'no answer'}){last_words(fact['name'])}"
            )
        if processes.running("supervisor") is None:
            raise ComponentFailed(f"the supervisor ended{last_words('supervisor')}")
        time.sleep(0.03)


def last_words(name: str) -> str:
    """Return the end of a component's log, with where it is."""
    try:
        lines = [line for line in paths.log(name).read_text(errors="replace").splitlines() if line.strip()][-3:]
    except OSError:
        lines = []
    return "".join(f"\n  {line}" for line in [f"log: {paths.log(name)}", *lines])
