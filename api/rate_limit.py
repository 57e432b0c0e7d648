"""Requests per sliding hour and credential, counted in memcached; its death lifts the limit, never the service.

The hour slides by two windows: what is counted in this clock hour, and the part of the last one that still lies
within the hour before now. Counting is memcached's own `incr`, so it is right under concurrency.
"""

import time

from django.conf import settings

from accounts.clients import Client
from accounts.queries import joined_at
from caching import counters
from instagram.errors import RateLimited

WINDOW_S = 3600
#: Seconds for which an account is new.
NEW_S = 86_400


class Budget:
    """What one request's credential may still do. Headers are spelled as clients look them up."""

    def __init__(self) -> None:
        self.limit = settings.RATE_LIMIT_PER_HOUR
        self.made = 0

    def spend(self, who: str) -> None:
        """Count this request for a credential. Raises RateLimited. Cost: two round trips to memcached."""
        self.made = _counted(who)
        if self.made > self.limit:
            raise RateLimited(made=self.made, limit=self.limit)

    def headers(self) -> dict[str, str]:
        """Return the two headers of every answer."""
        return {
            "X-Ratelimit-Limit": str(self.limit),
            "X-Ratelimit-Remaining": str(max(0, self.limit - self.made)),
        }


def spend_write(client: Client, token_id: int, scope: str) -> None:
    """Count a write for a token, where writes of this scope have a limit of their own. Raises RateLimited."""
    signed = client.enforce_signed_header or client.enforce_signed_requests
    limits = settings.SIGNED_WRITE_LIMITS_PER_HOUR if signed else settings.WRITE_LIMITS_PER_HOUR
    limit = limits.get(scope)
    if limit is None or client.first_party:
        return
    made = _counted(f"t{token_id}:{scope}")
    if made > limit:
        raise RateLimited(made=made, limit=limit)


def spend_pace(user_id: int, kind: str) -> None:
    """Count an act of a person, whatever application they act by; young accounts may do less. Raises RateLimited.

    Cost: two round trips to memcached, one more for the account's age, which is kept.
    """
    is_new = time.time() - joined_at(user_id) < NEW_S
    limit = (settings.PACE_FIRST_DAY if is_new else settings.PACE_LATER).get(kind)
    if limit is None:
        return
    made = _counted(f"p{user_id}:{kind}")
    if made > limit:
        raise RateLimited(made=made, limit=limit)


def _counted(who: str) -> int:
    """Count one more; return how many that are in the hour before now."""
    window, into = divmod(time.time(), WINDOW_S)
    current = counters.increment(f"rate:{who}:{int(window)}", ttl_s=2 * WINDOW_S)
    before = counters.read(f"rate:{who}:{int(window) - 1}")
    return current + int(before * (1 - into / WINDOW_S))
