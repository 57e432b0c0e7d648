"""The servers of the local data centre, whose supervisor is told to leave alone what a restore in place works on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from instagram import topology
from stack import paths, processes
from stack.description import Component, components


class LocalStack:
    """Components, held while they are stopped: the supervisor starts what is not held."""

    @contextmanager
    def clients_away(self, say: Callable[[str], None]) -> Iterator[None]:
        """Hold what runs our own code. After a failure it stays held: half a restore is no service; run it again."""
        ours = [each for each in components() if each.ours and (processes.running(each.name) or _held(each).exists())]
        for each in ours:
            _hold(each)
        if ours:
            say(f"{len(ours)} processes of ours are held")
        yield
        for each in ours:
            _held(each).unlink(missing_ok=True)

    def stop(self, name: str) -> None:
        """Stop a server."""
        _hold(_server(name))

    def start(self, name: str) -> None:
        """Let the supervisor start it again."""
        _held(_server(name)).unlink(missing_ok=True)


def _server(name: str) -> Component:
    return next(each for each in components() if each.name == topology.primary(name).name)


def _hold(component: Component) -> None:
    _held(component).touch()
    processes.stop(component.name, component.stop_signal, component.stop_seconds)


def _held(component: Component) -> Path:
    return paths.run(f"{component.name}.held")
