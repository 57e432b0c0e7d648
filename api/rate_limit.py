"""Requests per sliding hour and credential, counted in memcached; its death lifts the limit, never the service.

The hour slides by two windows: what is counted in this clock hour, and the part of the last one that still lies
within the hour before now. Counting is memcached's own `incr`, so it is right under concurrency.
"""

import time

from django.conf import settings

from caching import counters
from instagram.errors import RateLimited

WINDOW_S = 3600


class Budget:
    """What one request's credential may still do. Headers are spelled as clients look them up."""

    def __init__(self) -> None:
        self.limit = settings.RATE_LIMIT_PER_HOUR
        self.made = 0

    def spend(self, who: str) -> None:
        """Count this request for a credential. Raises RateLimited. Cost: two round trips to memcached."""
        now = time.time()
        window, into = divmod(now, WINDOW_S)
        current = counters.increment(f"rate:{who}:{int(window)}", ttl_s=2 * WINDOW_S)
        before = counters.read(f"rate:{who}:{int(window) - 1}")
        self.made = current + int(before * (1 - into / WINDOW_S))
        if self.made > self.limit:
            raise RateLimited(made=self.made, limit=self.limit)

    def headers(self) -> dict[str, str]:
        """Return the two headers of every answer."""
        return {
            "X-Ratelimit-Limit": str(self.limit),
            "X-Ratelimit-Remaining": str(max(0, self.limit - self.made)),
        }
