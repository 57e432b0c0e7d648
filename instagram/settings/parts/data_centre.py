"""The local data centre."""

from pathlib import Path

from .environment import BASE_DIR, env

#: Where the local data centre keeps everything: data, logs, configuration, virtual environment.
STATE_DIR = Path(env.str("STATE_DIR", default=str(BASE_DIR / ".local")))
#: Added to every default port below, so that a second data centre can run beside the first (fault tests do that).
PORT_OFFSET = env.int("PORT_OFFSET", default=0)

# What `bin/up --full` or `--lean` said last.
if (STATE_DIR / "kind.env").exists():
    env.read_env(STATE_DIR / "kind.env")
#: Which data centre runs locally: "lean", one of each, or "full", with replicas, two Gunicorns and gearmands, three
#: nginx and HAProxy. `bin/up --full` and `--lean` remember it in STATE_DIR.
STACK_KIND = env.str("STACK_KIND", default="lean")
if STACK_KIND not in {"lean", "full"}:
    raise ValueError(f"STACK_KIND may be lean or full, not {STACK_KIND}")


def _port(name: str, default: int) -> int:
    return env.int(name, default=default + PORT_OFFSET)


#: The address people and clients use: nginx, the app front; in the full data centre HAProxy, the load balancer.
APP_PORT = _port("APP_PORT", 8000)
#: The app fronts behind HAProxy, in the full data centre alone.
NGINX_APP_PORTS = [_port(f"NGINX_APP_{number}_PORT", 17090 + number) for number in (1, 2, 3)]
#: HAProxy's page about the app fronts.
HAPROXY_STATS_PORT = _port("HAPROXY_STATS_PORT", 17090)
#: The CDN edge: nginx with a cache in front of the object store.
CDN_PORT = _port("CDN_PORT", 8001)
#: Where the CDN edge takes its own copies out of its cache: for the service alone, never for strangers.
CDN_PURGE_PORT = _port("CDN_PURGE_PORT", 17081)
#: Address of that door: on a host of its own the edge's in the inner network.
CDN_PURGE_HOST = env.str("CDN_PURGE_HOST", default="127.0.0.1")
#: Address on which the app front, the CDN edge, the stack's page and the other services' stand-in listen, all of which
#: a browser asks: this machine alone; in a container, 0.0.0.0.
LISTEN_HOST = env.str("LISTEN_HOST", default="127.0.0.1")
#: PEM file of a certificate with its chain: set, the app front and the CDN edge speak TLS and nothing else.
TLS_CERTIFICATE_FILE = env.str("TLS_CERTIFICATE_FILE", default="")
#: The key of that certificate.
TLS_KEY_FILE = env.str("TLS_KEY_FILE", default="")
#: How people's addresses begin, here.
EDGE_SCHEME = "https" if TLS_CERTIFICATE_FILE else "http"
#: Load balancers before the app front, addresses or networks: X-Forwarded-For, X-Forwarded-Proto and X-Request-Id are
#: believed from these alone. In the full data centre HAProxy; none before the lean one.
KNOWN_PROXIES = env.list("KNOWN_PROXIES", default=["127.0.0.1"] if STACK_KIND == "full" else [])
#: Sign-ins, sign-ups and password resets that one address may send an nginx per minute: each costs a password hash, a
#: quarter second of a core. An office behind one address stays below it.
DOOR_ATTEMPTS_PER_MINUTE = env.int("DOOR_ATTEMPTS_PER_MINUTE", default=120)
#: The same beyond that rate at once, before the answer is 429.
DOOR_ATTEMPTS_AT_ONCE = env.int("DOOR_ATTEMPTS_AT_ONCE", default=100)
#: Gunicorn, behind the app front.
GUNICORN_PORT = _port("GUNICORN_PORT", 17080)
#: The second one, in the full data centre.
GUNICORN_2_PORT = _port("GUNICORN_2_PORT", 17082)
#: PgBouncer: every database connection of the service goes through it.
PGBOUNCER_PORT = _port("PGBOUNCER_PORT", 17432)
#: Physical shards, by the names their PostgreSQL servers have everywhere (settings, PgBouncer, placement). On hosts the
#: inventory says them. A new installation spreads its logical shards over all of them; one that comes later holds none
#: until some are moved there.
SHARD_SERVERS = env.list("SHARD_SERVERS", default=["shard_a", "shard_b"])
if not SHARD_SERVERS or len({"main", *SHARD_SERVERS}) != len(SHARD_SERVERS) + 1:
    raise ValueError(f"SHARD_SERVERS is {','.join(SHARD_SERVERS) or 'empty'}: it needs names, each once, and not main")


def _of_servers(known: dict[str, int], further: int) -> dict[str, int]:
    """Return a port for main and each shard: a known one, else one of a pair further on."""
    names = ["main", *SHARD_SERVERS]
    return {name: known.get(name, further + PORT_OFFSET + 2 * number) for number, name in enumerate(names)}


#: The PostgreSQL servers themselves; only migrations of shards and the stack go to them directly.
POSTGRES_PORTS = _of_servers(
    {
        "main": _port("POSTGRES_MAIN_PORT", 17433),
        "shard_a": _port("POSTGRES_SHARD_A_PORT", 17434),
        "shard_b": _port("POSTGRES_SHARD_B_PORT", 17435),
    },
    17458,
)
#: Their streaming replicas, in the full data centre.
POSTGRES_REPLICA_PORTS = _of_servers(
    {
        "main": _port("POSTGRES_MAIN_REPLICA_PORT", 17436),
        "shard_a": _port("POSTGRES_SHARD_A_REPLICA_PORT", 17437),
        "shard_b": _port("POSTGRES_SHARD_B_REPLICA_PORT", 17438),
    },
    17459,
)
#: Redis servers of the photo map.
REDIS_PORTS = [_port("REDIS_1_PORT", 17379), _port("REDIS_2_PORT", 17380)]
#: Their replicas, in the full data centre.
REDIS_REPLICA_PORTS = [_port("REDIS_1_REPLICA_PORT", 17381), _port("REDIS_2_REPLICA_PORT", 17382)]
#: memcached servers: what they hold can be lost at any moment.
MEMCACHED_PORTS = [_port("MEMCACHED_1_PORT", 17211), _port("MEMCACHED_2_PORT", 17212)]
#: gearmand, the job server; its queue is in memory, the outboxes are the truth.
GEARMAND_PORT = _port("GEARMAND_PORT", 17730)
#: The second one, in the full data centre.
GEARMAND_2_PORT = _port("GEARMAND_2_PORT", 17731)
#: Ports of all gearmands that run.
GEARMAND_PORTS = [GEARMAND_PORT, GEARMAND_2_PORT] if STACK_KIND == "full" else [GEARMAND_PORT]
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
#: Gunicorn processes; each has helper processes of its own that decode pictures (IMAGE_HELPERS). In the full data
#: centre its two Gunicorns share them, one each at the least.
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
#: Write-ahead log a PostgreSQL server keeps for a replica that is away, MB; one that was away for longer is made anew.
POSTGRES_SLOT_KEEP_MB = env.int("POSTGRES_SLOT_KEEP_MB", default=1_024)
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
