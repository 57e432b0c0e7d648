"""What the commands of this room have in common: how errors become exit codes, how a moment is read and shown."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils.dateparse import parse_datetime

from recovery.backup.errors import Failed, Refused
from sharding import ShardUnavailable
from stack.errors import StackError

#: A host that holds replicas alone says so, with exit code 0: its timers have nothing to do until a promotion.
NOTHING_HERE = "no server has its primary on this host: there is nothing to do"


def answered(verb: Callable[[], Any]) -> Any:
    """Run a verb; what it raises becomes one sentence and an exit code: 1 it did not work, 2 it was not begun."""
    try:
        return verb()
    except (Refused, StackError) as error:
        raise CommandError(str(error), returncode=2) from error
    except Failed as error:
        raise CommandError(str(error), returncode=1) from error
    except ShardUnavailable as error:
        raise CommandError(f"{error.server_name} is away.", returncode=1) from error
    except KeyboardInterrupt:
        raise CommandError("Interrupted. Run it again.", returncode=130) from None


def moment(text: str) -> datetime:
    """Read "2026-11-26 14:03:00+00"; without a zone it is UTC. Raises Refused."""
    try:
        read = parse_datetime(text)
    except ValueError:
        read = None
    if read is None:
        raise Refused(f'{text!r} is no moment; write it like "2026-11-26 14:03:00+00".')
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def shown(at: datetime | None) -> str:
    """Return a moment as people read it, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else "never"
