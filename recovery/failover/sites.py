"""What a promotion needs of the place it works in: this machine's data centre, or hosts of an inventory."""

from collections.abc import Callable
from typing import Any, Protocol

from instagram.topology import Node

Row = tuple[Any, ...]


class FailoverError(Exception):
    """It did not work; the sentence says where it stands. What is done stays done: run the verb again."""


class Refused(FailoverError):
    """It was not begun: nothing has changed."""


class NotAnswering(FailoverError):
    """A node's server does not answer questions."""


class Unreachable(FailoverError):
    """The machine of a node cannot be reached, so nothing can be done to it."""


class Machine(Protocol):
    """Where one node runs, and what can be done to it."""

    node: Node
    #: The node's data directory, PostgreSQL's programs, and its configuration file ("" where it lies in the data).
    data: str
    binaries: str
    config: str
    #: A Redis here remembers its role in its own configuration file; else the place writes that file.
    keeps_role: bool

    def sql(self, statement: str, *, database: str = "postgres", seconds: float = 5.0) -> list[Row]:
        """Run one statement as superuser. Raises NotAnswering."""
        ...

    def shell(self, script: str, *, seconds: float = 60.0, secret: str = "") -> str:
        """Run a script as the account of the server; return what it printed. Raises FailoverError, Unreachable.

        secret: comes to the script at its standard input; the script itself is there for everybody to read.
        """
        ...

    def fence(self, *, gently: bool) -> None:
        """End the node's server and keep it from starting, also after a restart of its machine.

        gently: let it finish and send all it has; else kill it. Raises Unreachable.
        """
        ...

    def release(self) -> None:
        """Start the node's server, as what its data says, and keep it running."""
        ...


class Site(Protocol):
    """A whole installation."""

    say: Callable[[str], None]

    def nodes(self, server: str) -> list[Node]:
        """Return a server's nodes. Raises Refused for a server that is not there."""
        ...

    def machine(self, node: Node) -> Machine:
        """Return where a node runs."""
        ...

    def facts(self, server: str) -> dict[str, Any]:
        """Return what is written down of a server: primary, moving."""
        ...

    def note(self, server: str, **changes: Any) -> None:
        """Write facts of a server down, everywhere they are read."""
        ...

    def wants_synchrony(self, server: str) -> bool:
        """Return whether commits of this server shall wait for the replica while it follows."""
        ...

    def databases(self, server: str) -> list[str]:
        """Return the server's databases that have a pool of their own in PgBouncer."""
        ...

    def pause(self, server: str, seconds: float) -> None:
        """Let those who want the server wait, once all transactions are over. Raises Refused when they take longer."""
        ...

    def resume(self, server: str) -> None:
        """Let those who wait go on; harmless when nobody does."""
        ...

    def repoint(self, server: str) -> None:
        """Send everybody to the primary that is written down, and to the replica what is for replicas."""
        ...

    def record(self, **facts: Any) -> None:
        """Write down what was done, by whom and when."""
        ...
