"""restore: all servers to one moment, as copies beside the service (in_place.py: instead of it).

One moment: a transaction is there if its server's clock said no more than the moment when it committed. Servers commit
independently and no transaction of ours spans two, so what such a cut tears apart is what a server that dies tears
apart as well, and what repairs mend: healing.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from sharding import ShardUnavailable

from . import pgbackrest, servers
from .errors import Failed, Refused
from .scratch import Scratch, Target, own_folder, scratches

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What a restore would do. copies: pgBackRest's label by server, of `repository`."""

    to: datetime
    copies: dict[str, str]
    repository: int

    def lines(self) -> list[str]:
        """Return it in words."""
        store = pgbackrest.stores()[self.repository - 1]
        return [
            f"{name}: backup {label} of {store}, then WAL until {self.to:%Y-%m-%d %H:%M:%S.%f} UTC"
            for name, label in self.copies.items()
        ]


def plan(to: datetime, chosen: list[str], *, store: str = "") -> Plan:
    """Return how to get to a moment. Raises Refused (it is before the first backup, or to come)."""
    pgbackrest.write_configuration()
    repository = pgbackrest.repository_of(store)
    if to > timezone.now():
        raise Refused(f"{to:%Y-%m-%d %H:%M:%S} UTC is still to come.")
    copies = {}
    for name in chosen:
        whole = [each for each in pgbackrest.copies(name, repository=repository) if not each.error]
        if not whole:
            raise Refused(f"there is no backup of {name} on {pgbackrest.stores()[repository - 1]}.")
        before = [each for each in whole if each.ended_at < to]
        if not before:
            raise Refused(
                f"the first moment of {name} that can be restored is {whole[0].ended_at:%Y-%m-%d %H:%M:%S} UTC."
            )
        copies[name] = before[-1].label
    return Plan(to, copies, repository)


def reach(to: datetime, chosen: list[str], *, say: Say) -> None:
    """See that the archive reaches the moment: when it lies after the last mark, set another, if servers still answer.

    Raises nothing: if the archive does not reach it, recovery says so.
    """
    try:
        known = servers.restorable_to(chosen)
        if known is None or known < to:
            servers.mark(chosen)
    except (Failed, DatabaseError, ShardUnavailable) as error:
        say(f"the archive may end before that moment: {error}")


def restore_copies(what: Plan, *, folder: Path, first_port: int, say: Say) -> dict[str, Scratch]:
    """Lay out copies of servers and recover them to the plan's moment; return them, running. Raises Failed, Refused.

    What was laid out and did not recover is removed again.
    """
    own_folder(folder)
    copies = scratches(list(what.copies), folder, first_port)
    for copy in copies.values():
        if copy.data.exists():
            raise Refused(f"{copy.data} is there already: manage.py restore --remove removes it.")

    def one(name: str) -> None:
        copies[name].lay_out(what.copies[name], repository=what.repository)
        copies[name].recover(Target.moment(what.to))
        say(f"{name}: 127.0.0.1:{copies[name].port}, database {name}{settings.DB_SUFFIX}, user postgres")

    try:
        servers.each(one, list(copies))
    except BaseException:
        for copy in copies.values():
            copy.remove()
        raise
    return copies
