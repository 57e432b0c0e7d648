"""What a command changes is told to whoever keeps the log of it: the audit log of the back office, a room far above.

A command says tell() where its change is done; the room that keeps the log connects to `acted`, so that no room below
imports it.
"""

from collections.abc import Mapping
from typing import Any

from django.dispatch import Signal

#: Sent with act, kind, target, why, before, after.
acted = Signal()
#: What a command may be told as its reason, and what stands there when nobody said one.
WHY_HELP, NO_REASON = "for the audit log; default: by hand", "by hand"


def tell(
    act: str,
    *,
    kind: str,
    target: int | str,
    why: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Tell what was done to what and why, as the audit log takes it.

    Inside a transaction of main both are there or neither. Outside of one main may be what is away: then the change
    stands, and the command says on its standard error that the log does not know of it.
    """
    acted.send(sender=None, act=act, kind=kind, target=target, why=why.strip() or NO_REASON, before=before, after=after)
