"""The local data centre."""

from pathlib import Path

from .environment import BASE_DIR, env

#: Where the local data centre keeps everything: data, logs, configuration, virtual environment.
STATE_DIR = Path(env.str("STATE_DIR", default=str(BASE_DIR / ".local")))
#: Added to every default port below, so that a second data centre can run beside the first (fault tests do that).
PORT_OFFSET = env.int("PORT_OFFSET", default=0)


def _port(name: str, default: int) -> int:
    return env.int(name, default=default + PORT_OFFSET)


#: The address people and clients use: nginx, the app front.
APP_PORT = _port("APP_PORT", 8000)
#: The CDN edge: nginx with a cache in front of the object store.
CDN_PORT = _port("CDN_PORT", 8001)
#: Where the CDN edge takes its own copies out of its cache: for the service alone, never for strangers.
CDN_PURGE_PORT = _port("CDN_PURGE_PORT", 17081)
#: Address of that door: on a host of its own the edge's in the inner network.
CDN_PURGE_HOST = env.str("CDN_PURGE_HOST", default="127.0.0.1")
#: Address on which the app front, the CDN edge, the stack's page and the other services' stand-in listen, all of which
#: a browser asks: this machine alone; in a container, 0.0.0.0.
LISTEN_HOST = env.str("LISTEN_HOST", default="127.0.0.1")
#: Gunicorn, behind the app front.
GUNICORN_PORT = _port("GUNICORN_PORT", 17080)
#: PgBouncer: every database connection of the service goes through it.
PGBOUNCER_PORT = _port("PGBOUNCER_PORT", 17432)
#: The PostgreSQL servers themselves; only migrations of shards and the stack go to them directly.
POSTGRES_PORTS = {
    "main": _port("POSTGRES_MAIN_PORT", 17433),
    "shard_a": _port("POSTGRES_SHARD_A_PORT", 17434),
    "shard_b": _port("POSTGRES_SHARD_B_PORT", 17435),
}
#: Redis servers of the photo map.
REDIS_PORTS = [_port("REDIS_1_PORT", 17379), _port("REDIS_2_PORT", 17380)]
#: memcached servers: what they hold can be lost at any moment.
MEMCACHED_PORTS = [_port("MEMCACHED_1_PORT", 17211), _port("MEMCACHED_2_PORT", 17212)]
#: gearmand, the job server; its queue is in memory, the outboxes are the truth.
GEARMAND_PORT = _port("GEARMAND_PORT", 17730)
#: SeaweedFS: the S3 door.
S3_PORT = _port("S3_PORT", 17333)
#: The ports its parts need among themselves.
SEAWEED_PORTS = {
    "master": _port("SEAWEED_MASTER_PORT", 17340),
    "master_grpc": _port("SEAWEED_MASTER_GRPC_PORT", 17341),
    "volume": _port("SEAWEED_VOLUME_PORT", 17342),
    "volume_grpc": _port("SEAWEED_VOLUME_GRPC_PORT", 17343),
    "filer": _port("SEAWEED_FILER_PORT", 17344),
    "filer_grpc": _port("SEAWEED_FILER_GRPC_PORT", 17345),
    "s3_grpc": _port("SEAWEED_S3_GRPC_PORT", 17346),
    "s3_https": _port("SEAWEED_S3_HTTPS_PORT", 17349),
    "admin": _port("SEAWEED_ADMIN_PORT", 17347),
    "admin_grpc": _port("SEAWEED_ADMIN_GRPC_PORT", 17348),
}
#: The stand-in for Apple's push service: an HTTP/2 server of ours (docs/push.md).
APNS_PORT = _port("APNS_PORT", 17443)
#: The page that shows components, pushes, mails and shares of the local data centre.
STACK_PAGE_PORT = _port("STACK_PAGE_PORT", 8002)
#: The stand-in of the services that photos are posted to (stack/social/).
SOCIAL_PORT = _port("SOCIAL_PORT", 17950)
#: Gunicorn processes; each has helper processes of its own that decode pictures (IMAGE_HELPERS).
GUNICORN_WORKERS = env.int("GUNICORN_WORKERS", default=2)
#: Threads in each Gunicorn process: what waits for a database lets the others work.
GUNICORN_THREADS = env.int("GUNICORN_THREADS", default=4)
#: Gearman worker processes of the fast queue in the local data centre.
WORKERS_FAST = env.int("WORKERS_FAST", default=1)
#: The same for the feed queue: photos of ordinary accounts on their way to feeds and tags.
WORKERS_FEED = env.int("WORKERS_FEED", default=1)
#: The same for the lane of very large accounts and of erasing, so that their batches delay nobody else's photos.
WORKERS_FEED_LARGE = env.int("WORKERS_FEED_LARGE", default=1)
#: The same for the network queue: what waits for services of others.
WORKERS_NETWORK = env.int("WORKERS_NETWORK", default=1)

#: Unprivileged account that runs the servers when root starts the data centre: PostgreSQL, PgBouncer and memcached
#: refuse to run as root. Made by bin/up when missing. An ordinary user runs everything as themselves.
STACK_USER = env.str("STACK_USER", default="instagram")
#: Megabytes that must be free before anything is installed or started: packages, venv, databases, photos.
STACK_MIN_FREE_MB = env.int("STACK_MIN_FREE_MB", default=3_000)
#: Seconds a component may take until it answers; initdb on a busy machine is the slowest.
STACK_READY_TIMEOUT_S = env.float("STACK_READY_TIMEOUT_S", default=60.0)
#: Shared buffers of each local PostgreSQL server, MB: small, there are three on one machine.
POSTGRES_SHARED_BUFFERS_MB = env.int("POSTGRES_SHARED_BUFFERS_MB", default=64)
#: Connections each PostgreSQL server takes: PgBouncer's pools for service, tests and benchmarks, plus migrations.
POSTGRES_MAX_CONNECTIONS = env.int("POSTGRES_MAX_CONNECTIONS", default=120)
#: Memory of each memcached, MB.
MEMCACHED_MB = env.int("MEMCACHED_MB", default=64)
#: Disk the CDN edge may use for cached images, MB.
CDN_CACHE_MB = env.int("CDN_CACHE_MB", default=1_024)
#: Seconds after which the CDN edge asks the store again, serving what it has meanwhile. Keys are written once: 30 days.
CDN_CACHE_S = env.int("CDN_CACHE_S", default=2_592_000)
#: Clients PgBouncer takes: threads of the web tier and workers, with room; each costs it about 2 kB.
PGBOUNCER_MAX_CLIENTS = env.int("PGBOUNCER_MAX_CLIENTS", default=1_000)
