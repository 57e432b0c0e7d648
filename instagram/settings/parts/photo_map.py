"""Photo map."""

from .data_centre import REDIS_PORTS
from .environment import env

#: Redis servers of the photo map: "host:port", in an order that stays (a changed list is a map to rebuild).
PHOTO_MAP_SERVERS = env.list("PHOTO_MAP_SERVERS", default=[f"127.0.0.1:{port}" for port in REDIS_PORTS])
#: Begins every key of the map, so that tests and benchmarks can share the servers.
PHOTO_MAP_PREFIX = env.str("PHOTO_MAP_PREFIX", default="m")
#: Seconds a Redis server may take before it counts as down and the id's own shard answers instead.
PHOTO_MAP_TIMEOUT_S = env.float("PHOTO_MAP_TIMEOUT_S", default=0.5)
#: Milliseconds in one row of the map, as a power of two, 1 to 22 (22: 70 minutes). Fixed at install.
#: Smaller than 22 only for far more than a thousand photos per shard and hour: a photo is read with its whole row.
PHOTO_MAP_ROW_BITS = env.int("PHOTO_MAP_ROW_BITS", default=22)
#: Largest hash that Redis keeps as a listpack, fields; set in redis.conf. The map's hashes have 128 at most.
PHOTO_MAP_LISTPACK_ENTRIES = env.int("PHOTO_MAP_LISTPACK_ENTRIES", default=128)
#: Longest value of such a hash, bytes; set in redis.conf. A row of 800 photos; beyond, a hash table costs no more.
PHOTO_MAP_LISTPACK_BYTES = env.int("PHOTO_MAP_LISTPACK_BYTES", default=4096)
