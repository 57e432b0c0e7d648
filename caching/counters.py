"""Counting in memcached: what may be forgotten, such as requests per hour."""

from django.conf import settings

from .servers import client


def increment(name: str, *, ttl_s: int) -> int:
    """Add one and return the new count; 0 when memcached is away. Right under concurrency."""
    key, memcached = settings.CACHE_PREFIX + name, client()
    for _ in range(2):
        count = memcached.incr(key, 1, noreply=False)
        if count:
            return int(count)
        # Not there yet: one of those who come at once makes it, the others count on it.
        if memcached.add(key, b"1", expire=ttl_s, noreply=False):
            return 1
    return 0


def forget(name: str) -> None:
    """Begin anew at nothing."""
    client().delete(settings.CACHE_PREFIX + name, noreply=False)


def read(name: str) -> int:
    """Return a count; 0 when it is not there."""
    value = client().get(settings.CACHE_PREFIX + name)
    return int(value) if value else 0
