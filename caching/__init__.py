"""memcached: multi-get, delete after commit; a dead server is a miss. Knows no domain.

A stale value must not be stored over a delete: whoever loaded before the write and stores after it. So a delete
leaves a tombstone for some seconds, values are only ever added, and `add` fails on a tombstone. What many miss at
once is loaded once: the first takes a lease.
"""

from .cache import delete, get_many, get_or_load_many
from .invalidation import delete_after_commit

__all__ = ["delete", "delete_after_commit", "get_many", "get_or_load_many"]
