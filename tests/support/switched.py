"""Switches in tests: the databases are shared, so whatever a test turns on is off again afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from switches import services, state


@contextmanager
def switched(
    name: str, target: str = "", *, reason: str = "rehearsal", until: datetime | None = None
) -> Iterator[None]:
    """Turn a switch on for a block."""
    services.turn_on(name, target, reason=reason, by="tests", until=until)
    try:
        yield
    finally:
        services.turn_off(name, target, reason="rehearsal is over", by="tests")
        state.look()


def all_off() -> None:
    """Turn off whatever a killed run of the tests left on."""
    for name, target, *_ in state.read_main()["on"]:
        services.turn_off(name, target, reason="left by a test", by="tests")
