"""What every verb of an operator needs: the inventory's hosts, sentences and tables on the terminal, exit codes.

Exit code 1: it did not work somewhere, the table says where; 2: it was not begun.
"""

from collections.abc import Iterable

from invoke import Exit
from rich.console import Console
from rich.table import Table

from deploy import inventory
from deploy.inventory import Host
from deploy.remote import Answer, Fleet, failed

_console = Console(highlight=False, soft_wrap=True)


def fleet_of(*, dry: bool = False) -> Fleet:
    """Return the hosts of the inventory. Raises Exit with code 2 when it cannot be read."""
    try:
        return Fleet(inventory.load(), dry=dry, say=say)
    except inventory.InventoryError as error:
        raise Exit(str(error), code=2) from error


def say(words: str) -> None:
    """Print a sentence."""
    _console.print(words, markup=False)


def chosen(fleet: Fleet, names: str, *default: str) -> list[Host]:
    """Return hosts by name or role, else those with a default role, else all. Raises Exit with code 2 for none."""
    try:
        found = fleet.inventory.chosen(names) if names else fleet.inventory.with_role(*(default or inventory.ROLES))
    except inventory.InventoryError as error:
        raise Exit(str(error), code=2) from error
    if not found:
        raise Exit(f"{fleet.inventory.path}: there is no host for this", code=2)
    return found


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table."""
    drawn = Table(*columns)
    for row in rows:
        drawn.add_row(*row)
    _console.print(drawn)


def show(answers: Iterable[Answer]) -> None:
    """Print a line for each host; raise Exit when it did not work on one."""
    answers = list(answers)
    table(("host", "", "said"), ((each.host.name, "ok" if each.ok else "FAILED", each.text) for each in answers))
    if bad := failed(answers):
        raise Exit(f"it did not work on {', '.join(each.host.name for each in bad)}", code=1)
