"""Alerts muted for just the window of a deploy: a silence that ends with it, or by itself when the deploy is killed."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from deploy.manage import keeper, manage
from deploy.remote import Fleet
from deploy.rollout import Rollout


@contextmanager
def muted(moving: Rollout, why: str, *, runs: bool, say: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    """Silence every alert until the block is left, for `mute_min` minutes at most.

    Yields what to call before the first host turns: to silence takes a second or two, time for other things.
    runs: a release runs that can be asked; else there is nobody who would raise an alert. An alert that cannot be
    silenced holds no deploy up: it is said, and the deploy goes on.
    """
    fleet = moving.fleet
    if not runs or not moving.rules.mute_min:
        yield lambda: None
        return
    with ThreadPoolExecutor(1) as pool:
        beginning = pool.submit(_begin, fleet, why, say)

        def silenced() -> None:
            with moving.phase("mute"):
                beginning.result()

        try:
            yield silenced
        finally:
            number = beginning.result()
            if number is not None:
                with moving.phase("mute"):
                    ended = manage(fleet, keeper(fleet), "silence", "end", number)
                say(f"alerts: silence {number} ended" if ended.ok else f"alerts: silence {number} ends by itself")


def _begin(fleet: Fleet, why: str, say: Callable[[str], None]) -> str | None:
    minutes = fleet.inventory.rollout.mute_min
    said = manage(fleet, keeper(fleet), "silence", "add", "--all", "--minutes", str(minutes), "--why", why)
    if fleet.dry:
        say(f"alerts: would be silenced for {minutes} minutes at most")
        return None
    if not said.known:
        say("alerts: not silenced, the release that runs knows no silences")
        return None
    number = re.search(r"^(\d+)$", said.text, re.M)
    if not said.ok or number is None:
        say(f"alerts: not silenced: {said.text[-200:]}")
        return None
    say(f"alerts: silence {number[1]}, for {minutes} minutes at most")
    return number[1]
