"""Metrics."""

from .environment import env
from .framework import DEVELOPMENT_MARK
from .photo_map import PHOTO_MAP_SERVERS

#: Redis that keeps the counts of all processes: "host:port". One hash of some hundred fields, about 40 kB, and a round
#: trip a second for each process: the map's first server has room for that, and its append-only file keeps it. A Redis
#: that is away costs counts at most.
METRICS_REDIS = env.str("METRICS_REDIS", default=PHOTO_MAP_SERVERS[0])
#: Begins the key of the counts, so that tests can share the server. The map's keys have six bytes, this one has more.
METRICS_PREFIX = env.str("METRICS_PREFIX", default="")
#: Who reads /metrics brings this as "Authorization: Bearer ...". Empty: nobody reads it, the page is not there.
METRICS_TOKEN = env.str("METRICS_TOKEN", default=f"{DEVELOPMENT_MARK}-metrics-token")
#: Seconds each source of figures (a server, the host) has to answer; all are asked side by side.
METRICS_TIMEOUT_S = env.float("METRICS_TIMEOUT_S", default=2.0)
