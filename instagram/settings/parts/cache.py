"""Cache."""

from .data_centre import MEMCACHED_PORTS
from .environment import env

#: memcached servers: "host:port"; keys are spread over them by consistent hashing.
MEMCACHED_SERVERS = env.list("MEMCACHED_SERVERS", default=[f"127.0.0.1:{port}" for port in MEMCACHED_PORTS])
#: Begins every key, so that tests and benchmarks can share the servers.
CACHE_PREFIX = env.str("CACHE_PREFIX", default="")
#: Seconds a memcached server may take; then it is a miss.
CACHE_TIMEOUT_S = env.float("CACHE_TIMEOUT_S", default=0.2)
#: Seconds before a dead memcached server is tried again.
CACHE_DEAD_RETRY_S = env.float("CACHE_DEAD_RETRY_S", default=2.0)
#: Seconds an entry lives that decides who may see what.
CACHE_PERMISSION_TTL_S = env.int("CACHE_PERMISSION_TTL_S", default=60)
#: Seconds that numbers, likers and comments of a photo live in the cache; they may be as old if a delete is lost.
ENGAGEMENT_TTL_S = env.int("ENGAGEMENT_TTL_S", default=30)
#: Seconds other entries live: bodies of photos, profiles.
CACHE_TTL_S = env.int("CACHE_TTL_S", default=3600)
