"""What commands of the rooms below change, written into the audit log: whoever runs one is the actor."""

import sys
from typing import Any

from django.db import DatabaseError, transaction

from instagram.errors import Unavailable
from sharding import ShardUnavailable

from . import audit


def note(*, act: str, kind: str, target: int | str, why: str, before: Any, after: Any, **_of_signal: Any) -> None:
    """Write an act of a command down. Outside of a transaction main may be away: then say so and go on."""
    facts = {"target": audit.Target(kind, str(target)[:100]), "before": before, "after": after}
    if transaction.get_connection().in_atomic_block:
        audit.record(audit.at_terminal(), act, reason=why, **facts)
        return
    try:
        audit.record(audit.at_terminal(), act, reason=why[: audit.REASON_MAX_CHARS], **facts)
    except (DatabaseError, ShardUnavailable, Unavailable) as error:
        print(f"It is done, but not in the audit log: {error}", file=sys.stderr)
