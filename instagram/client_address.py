"""The network address a request came from, as nginx tells it."""

from collections.abc import Mapping
from typing import Any


def client_address(meta: Mapping[str, Any]) -> str:
    """Return the address out of a request's META.

    nginx sets X-Forwarded-For itself and drops the client's, so the last entry is what nginx saw.
    """
    forwarded = str(meta.get("HTTP_X_FORWARDED_FOR", ""))
    return forwarded.rpartition(",")[2].strip() or str(meta.get("REMOTE_ADDR", ""))
