"""Every knob of the service, with its unit and its reason. docs/settings.md lists them all (a test holds it to that).

Values come from the environment, else from `.env` beside manage.py, else from the default here, which
suits the local data centre that `bin/up` starts.
"""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parents[2]

env = environ.Env()
if (BASE_DIR / ".env").exists():
    environ.Env.read_env(BASE_DIR / ".env")

# --- The local data centre -------------------------------------------------------------------------------------------

#: Where the local data centre keeps everything: data, logs, configuration, virtual environment.
STATE_DIR = Path(env.str("STATE_DIR", default=str(BASE_DIR / ".local")))
#: Added to every default port below, so that a second data centre can run beside the first (fault tests do that).
PORT_OFFSET = env.int("PORT_OFFSET", default=0)


def _release() -> str:
    """Return the name a deploy wrote beside manage.py, empty in a clone."""
    file = BASE_DIR / "RELEASE"
    return file.read_text().strip() if file.exists() else ""


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

# --- Django ----------------------------------------------------------------------------------------------------------

#: Development secrets carry this word; production settings refuse to start while one does.
DEVELOPMENT_MARK = "development-only"
#: Django's own signing key: sessions, password resets.
SECRET_KEY = env.str("SECRET_KEY", default=f"{DEVELOPMENT_MARK}-secret-key")
#: Key under which access tokens are derived (HMAC), apart from SECRET_KEY so that either can be changed alone.
TOKEN_KEY = env.str("TOKEN_KEY", default=f"{DEVELOPMENT_MARK}-token-key")
DEBUG = False
#: Host names the service answers to; the address in WEB_BASE_URL must be among them.
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
#: Where people reach the site: links to photo pages begin with it. No trailing slash.
WEB_BASE_URL = env.str("WEB_BASE_URL", default=f"http://127.0.0.1:{APP_PORT}")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "sharding",
    "jobs",
    "caching",
    "accounts",
    "photos",
    "feeds",
    "notifications",
    "api",
    "web",
    "monitoring",
    "demo",
]
MIDDLEWARE = [
    "instagram.middleware.request_ids",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
#: The API answers every path in four spellings and never redirects (docs/api.md, 1.2).
APPEND_SLASH = False
ROOT_URLCONF = "instagram.urls"
WSGI_APPLICATION = "instagram.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
#: Where a page sends those who must sign in first.
LOGIN_URL = "/accounts/login/"
CSRF_FAILURE_VIEW = "web.pages.forged"
AUTH_USER_MODEL = "accounts.User"
STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
#: nginx says how the client reached us; it sets this header itself and drops the client's.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
USE_X_FORWARDED_HOST = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
#: The page at /v1/schema/page takes its scripts from our own static files.
SPECTACULAR_SETTINGS = {
    "TITLE": "REST API v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"defaultModelsExpandDepth": 0, "docExpansion": "none"},
}

# --- Databases and shards --------------------------------------------------------------------------------------------

#: Physical shards, by the names their PostgreSQL servers have everywhere (settings, PgBouncer, placement).
SHARD_SERVERS = ["shard_a", "shard_b"]
#: Number of logical shards: a power of two up to 8192, fixed for the life of an installation. Production: 2048.
LOGICAL_SHARDS = env.int("LOGICAL_SHARDS", default=64)
#: Start of id time, ms since 1970 (2026-01-01). Fixed at install. Ids last 34.8 years from here.
ID_EPOCH_MS = env.int("ID_EPOCH_MS", default=1_767_225_600_000)
#: Refuse to mint an id when a shard's sequence runs this far ahead of the clock, ms.
ID_MAX_AHEAD_MS = env.int("ID_MAX_AHEAD_MS", default=60_000)

#: Where PgBouncer listens.
DB_HOST = env.str("DB_HOST", default="127.0.0.1")
#: The role the service works as; owner of its databases.
DB_USER = env.str("DB_USER", default="instagram")
#: Password of that role, towards PgBouncer and the servers.
DB_PASSWORD = env.str("DB_PASSWORD", default=f"{DEVELOPMENT_MARK}-db")
#: Superuser of the local PostgreSQL servers: used by the stack to make roles and databases, by nothing else.
DB_SUPERUSER_PASSWORD = env.str("DB_SUPERUSER_PASSWORD", default=f"{DEVELOPMENT_MARK}-superuser")
#: Appended to database names in PgBouncer: "" for the service, "_test" for tests, "_bench" for benchmarks.
DB_SUFFIX = env.str("DB_SUFFIX", default="")
#: Seconds a thread keeps its connection to PgBouncer.
DB_CONN_MAX_AGE_S = env.int("DB_CONN_MAX_AGE_S", default=600)
#: Server connections per database that PgBouncer opens at most. A backend that met 512 schemas keeps about 120 MB.
PGBOUNCER_POOL_SIZE = env.int("PGBOUNCER_POOL_SIZE", default=6)
#: Seconds a client may wait in PgBouncer for a server connection.
PGBOUNCER_QUERY_WAIT_TIMEOUT_S = env.int("PGBOUNCER_QUERY_WAIT_TIMEOUT_S", default=2)
#: Seconds after which PgBouncer replaces a server connection: its catalogue cache goes with it.
PGBOUNCER_SERVER_LIFETIME_S = env.int("PGBOUNCER_SERVER_LIFETIME_S", default=600)
#: Set on the role (ALTER ROLE), since a session SET means nothing behind PgBouncer. Milliseconds.
DB_STATEMENT_TIMEOUT_MS = env.int("DB_STATEMENT_TIMEOUT_MS", default=5_000)
#: The same for waiting for a lock: a request gives up well before its client does. Milliseconds.
DB_LOCK_TIMEOUT_MS = env.int("DB_LOCK_TIMEOUT_MS", default=1_000)
#: The same for a transaction left open, which would starve the pool. Milliseconds.
DB_IDLE_IN_TRANSACTION_TIMEOUT_MS = env.int("DB_IDLE_IN_TRANSACTION_TIMEOUT_MS", default=5_000)
#: Seconds a process waits for any one answer of a database server before it gives the connection up: just over the
#: statement time-out, for the server that is frozen and cannot enforce its own.
DB_ANSWER_TIMEOUT_S = env.float("DB_ANSWER_TIMEOUT_S", default=6.0)
#: Seconds a process waits for a connection.
DB_CONNECT_TIMEOUT_S = env.float("DB_CONNECT_TIMEOUT_S", default=2.0)
#: Seconds that reading other people's shards may take in one page, all servers together.
PAGE_READ_BUDGET_S = env.float("PAGE_READ_BUDGET_S", default=2.0)
#: Seconds between the probes by which a process finds out that an unwell database server is back.
BREAKER_PROBE_S = env.float("BREAKER_PROBE_S", default=1.0)


def _database(name: str) -> dict[str, object]:
    return {
        "ENGINE": "sharding.backend",
        "HOST": DB_HOST,
        "PORT": PGBOUNCER_PORT,
        "NAME": name + DB_SUFFIX,
        "USER": DB_USER,
        "PASSWORD": DB_PASSWORD,
        "CONN_MAX_AGE": DB_CONN_MAX_AGE_S,
        "CONN_HEALTH_CHECKS": True,
        # Transaction pooling: a server-side cursor outlives its transaction and would meet another backend.
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }


def _databases() -> dict[str, dict[str, object]]:
    return {"default": _database("main")} | {name: _database(name) for name in SHARD_SERVERS}


DATABASES = _databases()
DATABASE_ROUTERS = ["sharding.router.ShardRouter"]

# --- Photo map -------------------------------------------------------------------------------------------------------

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

# --- Cache -----------------------------------------------------------------------------------------------------------

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

# --- Jobs ------------------------------------------------------------------------------------------------------------

#: gearmand servers: "host:port"; a job goes to the first that takes it.
GEARMAND_SERVERS = env.list("GEARMAND_SERVERS", default=[f"127.0.0.1:{GEARMAND_PORT}"])
#: Begins every Gearman function name, so that tests can share gearmand.
JOBS_NAMESPACE = env.str("JOBS_NAMESPACE", default="")
#: Milliseconds of a request that submitting a job may take; the relay submits what did not make it.
JOBS_SUBMIT_TIMEOUT_MS = env.int("JOBS_SUBMIT_TIMEOUT_MS", default=50)
#: Seconds without submit attempts after a failed one.
JOBS_SUBMIT_PAUSE_S = env.float("JOBS_SUBMIT_PAUSE_S", default=1.0)
#: Seconds a submitted job has before the relay submits it again.
JOBS_LEASE_S = env.float("JOBS_LEASE_S", default=10.0)
#: Seconds between two looks of the relay at the outboxes.
JOBS_RELAY_PERIOD_S = env.float("JOBS_RELAY_PERIOD_S", default=0.5)
#: Attempts before a job rests as a dead letter.
JOBS_MAX_ATTEMPTS = env.int("JOBS_MAX_ATTEMPTS", default=8)
#: Seconds before the first retry; doubles each time, with jitter.
JOBS_RETRY_BASE_S = env.float("JOBS_RETRY_BASE_S", default=1.0)
#: Modules with tasks besides each room's tasks.py: those of tests and benchmarks, in the workers they start.
JOBS_EXTRA_MODULES = env.list("JOBS_EXTRA_MODULES", default=[])

# --- Accounts --------------------------------------------------------------------------------------------------------

#: How mail leaves: Django's back end. The default writes it to the log, development keeps it for the stack's page
#: (/outbox), production takes SMTP.
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
#: The mail server.
EMAIL_HOST = env.str("EMAIL_HOST", default="localhost")
#: Its port.
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
#: Name and password towards it; empty: none is asked for.
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
#: The password that goes with the name.
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
#: Whether to speak TLS with it (STARTTLS).
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
#: Seconds it has to answer; a worker waits, no request.
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT_S", default=10)
#: Sender of our mail.
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Instagram <no-reply@localhost>")
#: Seconds a link to set a new password works.
PASSWORD_RESET_TIMEOUT = env.int("PASSWORD_RESET_TIMEOUT_S", default=86_400)
#: Mails of each kind to one person in an hour at most: nobody's mailbox is filled by strangers.
MAILS_PER_HOUR = env.int("MAILS_PER_HOUR", default=5)
#: Times in an hour that one network address may ask for such links, whomever for.
RESETS_PER_ADDRESS = env.int("RESETS_PER_ADDRESS", default=30)
#: Seconds a link to confirm an address works.
EMAIL_CONFIRM_TIMEOUT_S = env.int("EMAIL_CONFIRM_TIMEOUT_S", default=7 * 86_400)
#: Days in which a confirmed address takes the account back after it was changed; nobody else gets it meanwhile.
EMAIL_TAKE_BACK_DAYS = env.int("EMAIL_TAKE_BACK_DAYS", default=14)
#: Days a network and program that somebody signed in with stay known; a login with unknown ones is mailed.
SEEN_LOGIN_DAYS = env.int("SEEN_LOGIN_DAYS", default=180)
#: Times in an hour that one person may look contacts up, up to 500 of each kind: nobody walks over all numbers.
LOOKUPS_PER_HOUR = env.int("LOOKUPS_PER_HOUR", default=30)
#: Days after signing up in which another address or number still tells who looked for it that its person joined.
JOINED_IS_NEWS_DAYS = env.int("JOINED_IS_NEWS_DAYS", default=7)
#: Contacts of one person remembered that were looked up and not found, to tell when they join.
LOOKUP_REMEMBERED = env.int("LOOKUP_REMEMBERED", default=500)
#: Days they are remembered.
LOOKUP_REMEMBERED_DAYS = env.int("LOOKUP_REMEMBERED_DAYS", default=90)
#: Days between asking for an account's deletion and its beginning; signing in until then takes it back.
DELETION_DELAY_DAYS = env.int("DELETION_DELAY_DAYS", default=14)
#: Days the archive of an export can be fetched; then it is deleted.
EXPORT_KEEP_DAYS = env.int("EXPORT_KEEP_DAYS", default=7)
#: Hours before a person can have another archive made: each reads all they own.
EXPORT_EVERY_HOURS = env.int("EXPORT_EVERY_HOURS", default=24)
#: Different people whose reports hide a photo from Popular and tags until staff has looked.
REPORTS_HIDE_AT = env.int("REPORTS_HIDE_AT", default=5)
#: Seconds the suggestions of people for one viewer are kept: they cost a query on every server.
SUGGESTIONS_TTL_S = env.int("SUGGESTIONS_TTL_S", default=3_600)

# --- Photos ----------------------------------------------------------------------------------------------------------

#: The object store: any S3. Empty: Amazon's, in S3_REGION.
S3_ENDPOINT = env.str("S3_ENDPOINT", default=f"http://127.0.0.1:{S3_PORT}")
#: Region of the bucket; stores that know none take any.
S3_REGION = env.str("S3_REGION", default="us-east-1")
#: Where requests name the bucket: "path" (most stores), "virtual" (in the host name), "auto" (Amazon's).
S3_ADDRESSING = env.str("S3_ADDRESSING", default="path")
#: Name of the key that may write there. Empty: the environment's (AWS_ACCESS_KEY_ID) or the role of the machine.
S3_ACCESS_KEY = env.str("S3_ACCESS_KEY", default=DEVELOPMENT_MARK)
#: The key itself; empty as its name.
S3_SECRET_KEY = env.str("S3_SECRET_KEY", default=f"{DEVELOPMENT_MARK}-s3")
#: The bucket of photos.
S3_BUCKET = env.str("S3_BUCKET", default="photos")
#: Seconds for connecting to and for an answer of the object store.
S3_TIMEOUT_S = env.float("S3_TIMEOUT_S", default=5.0)
#: Image addresses begin with it: the CDN edge. No trailing slash.
CDN_BASE_URL = env.str("CDN_BASE_URL", default=f"http://127.0.0.1:{CDN_PORT}")
#: Who signs for and is purged: "nginx" (nginx/cdn.conf, one or more edges of our own) or "cloudfront".
CDN_KIND = env.str("CDN_KIND", default="nginx")
#: Key under which our own CDN edge checks signed addresses of private photos.
CDN_SIGNING_KEY = env.str("CDN_SIGNING_KEY", default=f"{DEVELOPMENT_MARK}-cdn")
#: Purge doors of our own edges, "host:port": all of them must confirm that a deleted photo is gone.
CDN_PURGE_ADDRESSES = env.list("CDN_PURGE_ADDRESSES", default=[f"127.0.0.1:{CDN_PURGE_PORT}"])
#: Seconds a purge door has for an answer; a worker waits, no request.
CDN_PURGE_TIMEOUT_S = env.float("CDN_PURGE_TIMEOUT_S", default=5.0)
#: With CloudFront: the distribution whose copies are invalidated.
CLOUDFRONT_DISTRIBUTION_ID = env.str("CLOUDFRONT_DISTRIBUTION_ID", default="")
#: With CloudFront: id of the public key that checks signed addresses.
CLOUDFRONT_KEY_ID = env.str("CLOUDFRONT_KEY_ID", default="")
#: With CloudFront: the private key to it, RSA, PEM; \n stands for a line break.
CLOUDFRONT_PRIVATE_KEY = env.str("CLOUDFRONT_PRIVATE_KEY", default="", multiline=True)
#: Seconds an address of a private account's photo lives at most; at least half of them. A leaked one dies within them.
PRIVATE_URL_S = env.int("PRIVATE_URL_S", default=3_600)
#: Seconds after a deletion that somebody looks whether anything is left: longer than a request, a fetch of the edge
#: or a tombstone of the cache lasts that was under way.
DELETION_PROOF_S = env.int("DELETION_PROOF_S", default=75)
#: Largest upload, bytes; nginx has the same limit plus the form around it.
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=10 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_MAX_BYTES + 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_MAX_BYTES
#: Shortest side of an upload, pixels.
IMAGE_MIN_SIDE = env.int("IMAGE_MIN_SIDE", default=150)
#: Longest side of an upload, pixels: 48-megapixel phones send 8,064.
IMAGE_MAX_SIDE = env.int("IMAGE_MAX_SIDE", default=8192)
#: Most pixels of an upload, checked from the header before anything is decoded.
IMAGE_MAX_PIXELS = env.int("IMAGE_MAX_PIXELS", default=50_000_000)
#: Most pixels of what a decoder holds whole (progressive, interlaced, WebP, GIF, AVIF, HEIC): some 6 bytes each.
IMAGE_MAX_PIXELS_WHOLE = env.int("IMAGE_MAX_PIXELS_WHOLE", default=25_000_000)
#: Most scans of a progressive JPEG; cameras and tools write about 10, a bomb thousands.
IMAGE_MAX_SCANS = env.int("IMAGE_MAX_SCANS", default=64)
#: CPU seconds decoding and rendering one picture may take; 12 megapixels take 0.1.
IMAGE_CPU_S = env.float("IMAGE_CPU_S", default=10.0)
#: Seconds an upload waits for a free helper process and its answer; then 503.
IMAGE_WAIT_S = env.float("IMAGE_WAIT_S", default=30.0)
#: Helper processes a process decodes pictures with, at most: started when needed, 50 MB each when idle.
IMAGE_HELPERS = env.int("IMAGE_HELPERS", default=2)
#: Seconds without a picture after which a helper ends.
IMAGE_HELPER_IDLE_S = env.float("IMAGE_HELPER_IDLE_S", default=300.0)
#: Pictures after which a helper is replaced: what libraries leak ends with it.
IMAGE_HELPER_PICTURES = env.int("IMAGE_HELPER_PICTURES", default=500)
#: MB of data a helper may hold, kept by the kernel; code comes on top, 25 MB. Replaced when left with half.
IMAGE_HELPER_MB = env.int("IMAGE_HELPER_MB", default=225)
#: JPEG quality of renditions.
JPEG_QUALITY = env.int("JPEG_QUALITY", default=85)
#: Longest caption, characters (code points).
CAPTION_MAX_CHARS = env.int("CAPTION_MAX_CHARS", default=2200)
#: Most hashtags in a caption: more is spam.
CAPTION_MAX_HASHTAGS = env.int("CAPTION_MAX_HASHTAGS", default=30)
#: Hours a retry key is remembered.
UPLOAD_ID_HOURS = env.int("UPLOAD_ID_HOURS", default=24)
#: Hours an upload waits for its caption before it is thrown away.
WAITING_UPLOAD_HOURS = env.int("WAITING_UPLOAD_HOURS", default=24)
#: Uploads of one person that may wait for their captions at a time: each is up to UPLOAD_MAX_BYTES that nobody sees.
WAITING_UPLOADS_MAX = env.int("WAITING_UPLOADS_MAX", default=10)
#: Seconds until objects that were stored but never published are thrown away: far longer than any request takes.
STRAY_OBJECTS_S = env.int("STRAY_OBJECTS_S", default=3_600)
#: Keep uploaded files as they came, positions too, for their owner's archive and rendering anew. Nothing links to them.
ORIGINALS_KEEP = env.bool("ORIGINALS_KEEP", default=False)
#: Keep originals without metadata: all but the pixels, the colour profile and the orientation goes. JPEG, PNG and WebP
#: can be; an original in another format is not kept then.
ORIGINALS_STRIP = env.bool("ORIGINALS_STRIP", default=False)
#: Megabytes (10^6) of kept originals of one person; a photo beyond it is published without.
ORIGINALS_QUOTA_MB = env.int("ORIGINALS_QUOTA_MB", default=2_000)
#: Seconds that a photo's old files stay when it got new ones (manage.py rerender): pages and apps still show them.
RERENDER_GRACE_S = env.int("RERENDER_GRACE_S", default=600)

# --- Feeds -----------------------------------------------------------------------------------------------------------

#: Followers in one fan-out job: one round trip to one server.
FAN_OUT_BATCH = env.int("FAN_OUT_BATCH", default=10_000)
#: Followers in one job of a very large account: short batches, so that others' statements and commits come between.
FAN_OUT_LARGE_BATCH = env.int("FAN_OUT_LARGE_BATCH", default=2_000)
#: How long a worker of that lane rests after a batch, as a multiple of the time the batch took; 0: not at all.
FAN_OUT_LARGE_REST = env.float("FAN_OUT_LARGE_REST", default=1.0)
#: Followers from which an account is very large: its lane works in short batches and rests; others go at full speed.
FAN_OUT_LARGE_FROM = env.int("FAN_OUT_LARGE_FROM", default=200_000)
#: Days for which it is known which batch of a fan-out served whom (explain_feed): a row of 150 bytes for each batch.
FAN_OUT_KEPT_DAYS = env.int("FAN_OUT_KEPT_DAYS", default=30)
#: Photo ids kept per inbox; older pages are read from the authors' shards. About 80 bytes a row on the viewer's shard.
INBOX_LENGTH = env.int("INBOX_LENGTH", default=500)
#: Days without a visit after which fan-outs leave a person out; their inbox is rebuilt when they come back.
INBOX_SLEEPS_DAYS = env.float("INBOX_SLEEPS_DAYS", default=30.0)
#: Seconds between two notes of a person's visits: a write on their shard each.
VISIT_NOTED_EVERY_S = env.float("VISIT_NOTED_EVERY_S", default=86_400.0)
#: Seconds between two walks over a server's inboxes: who falls asleep, what is trimmed.
INBOX_TIDY_PERIOD_S = env.float("INBOX_TIDY_PERIOD_S", default=3_600.0)
#: Photos of a newly followed person that go into the follower's inbox.
BACKFILL_PHOTOS = env.int("BACKFILL_PHOTOS", default=100)
#: Seconds between two makings of the list of Popular.
POPULAR_PERIOD_S = env.int("POPULAR_PERIOD_S", default=120)
#: Hours in which a photo is popular first; older ones come after.
POPULAR_HOURS = env.int("POPULAR_HOURS", default=48)
#: Photos in the list, before those are left out that a viewer may not see.
POPULAR_LENGTH = env.int("POPULAR_LENGTH", default=200)
#: Newest photos of each server whose likes are read for the list.
POPULAR_CANDIDATES = env.int("POPULAR_CANDIDATES", default=5_000)

# --- Activity --------------------------------------------------------------------------------------------------------

#: Days an entry of somebody's News is kept.
ACTIVITY_DAYS = env.int("ACTIVITY_DAYS", default=60)
#: Entries kept of one person's News: older ones are deleted once a day.
ACTIVITY_LENGTH = env.int("ACTIVITY_LENGTH", default=500)
#: Hours in which an act taken back and repeated (like, unlike, like) is old news: no second entry, no second push.
ACTIVITY_AGAIN_HOURS = env.int("ACTIVITY_AGAIN_HOURS", default=24)
#: Likes from which on a photo in Popular is news to its author: a young installation lists nearly every photo.
ACTIVITY_POPULAR_LIKES = env.int("ACTIVITY_POPULAR_LIKES", default=10)
#: Followed people, the latest first, whose acts are in a page of the Following stream: each costs an index look-up.
ACTIVITY_FOLLOWED_MAX = env.int("ACTIVITY_FOLLOWED_MAX", default=500)

# --- Realtime subscriptions ------------------------------------------------------------------------------------------

#: Callbacks may be on this machine or in private networks: for development. False where strangers can subscribe.
CALLBACKS_MAY_BE_INNER = env.bool("CALLBACKS_MAY_BE_INNER", default=True)
#: Seconds one request to a callback may take, everything included: the handshake and each delivery.
CALLBACK_TIMEOUT_S = env.float("CALLBACK_TIMEOUT_S", default=5.0)
#: Seconds in which updates for one callback are collected into one request.
CALLBACK_BATCH_S = env.float("CALLBACK_BATCH_S", default=2.0)
#: Seconds before a failed delivery is tried again; doubles each time up to five minutes, with jitter.
CALLBACK_RETRY_BASE_S = env.float("CALLBACK_RETRY_BASE_S", default=5.0)
#: Seconds after which an update that could not be delivered is dropped.
CALLBACK_GIVE_UP_S = env.float("CALLBACK_GIVE_UP_S", default=3_600.0)
#: Hours that a client's developer can read what was delivered. At least two: the rows also keep updates from repeating.
DELIVERY_LOG_HOURS = env.int("DELIVERY_LOG_HOURS", default=24)
#: Subscriptions a client may have: each new photo is matched against all.
SUBSCRIPTIONS_PER_CLIENT = env.int("SUBSCRIPTIONS_PER_CLIENT", default=1_000)
#: Earlier photos of each server that are looked at to fill a new geography.
GEOGRAPHY_FILL_PHOTOS = env.int("GEOGRAPHY_FILL_PHOTOS", default=10_000)

# --- Push ------------------------------------------------------------------------------------------------------------

#: Apple's push service, "host:port", for devices whose app comes from the store; the default is the local stand-in.
APNS_SERVER = env.str("APNS_SERVER", default=f"127.0.0.1:{APNS_PORT}")
#: The same for devices whose app was built for development (environment `sandbox`).
APNS_SANDBOX_SERVER = env.str("APNS_SANDBOX_SERVER", default=f"127.0.0.1:{APNS_PORT}")
#: Certificates the push service is checked against, a PEM file; empty: the system's, as Apple needs.
APNS_CA_FILE = env.str("APNS_CA_FILE", default=str(STATE_DIR / "data" / "apns" / "ca.pem"))
#: Key that signs our provider tokens (ES256): the text of Apple's .p8 file, line ends as \n. Empty: APNS_KEY_FILE.
APNS_KEY = env.str("APNS_KEY", default="")
#: The same as a file; the local stand-in makes one. Both empty: nothing is pushed.
APNS_KEY_FILE = env.str("APNS_KEY_FILE", default=str(STATE_DIR / "data" / "apns" / "provider.p8"))
#: Apple's name of that key, ten characters.
APNS_KEY_ID = env.str("APNS_KEY_ID", default="LOCALKEY01")
#: Apple's name of the developer team, ten characters.
APNS_TEAM_ID = env.str("APNS_TEAM_ID", default="LOCALTEAM1")
#: The app's bundle id.
APNS_TOPIC = env.str("APNS_TOPIC", default="example.instagram")
#: Requests to one push server under way at once from one process; Apple allows about a thousand streams.
APNS_CONCURRENCY = env.int("APNS_CONCURRENCY", default=100)
#: Seconds for an answer of the push service; then the connection is dropped and the push tried again.
APNS_TIMEOUT_S = env.float("APNS_TIMEOUT_S", default=10.0)
#: Seconds in which likes of one photo, or new followers, ring a phone once; what comes meanwhile is summed up then.
PUSH_COALESCE_S = env.float("PUSH_COALESCE_S", default=60.0)
#: Seconds between two pushes to one person for posts of one author.
PUSH_POST_EVERY_S = env.float("PUSH_POST_EVERY_S", default=60.0)
#: Seconds the push service keeps a push for a phone that is off.
PUSH_EXPIRY_S = env.int("PUSH_EXPIRY_S", default=86_400)
#: Seconds after which what could not be pushed is dropped: nobody wants to be rung for yesterday.
PUSH_GIVE_UP_S = env.float("PUSH_GIVE_UP_S", default=21_600.0)
#: People in one batch of telling of a post: two reads for all of them, then as many pushes.
PUSH_BATCH = env.int("PUSH_BATCH", default=500)
#: Devices of one person; registering another one lets the oldest go.
DEVICES_PER_PERSON = env.int("DEVICES_PER_PERSON", default=20)

# --- Cross-posting ---------------------------------------------------------------------------------------------------

#: Takes the place of "https:/" before every address of Twitter, Facebook, Tumblr, Flickr and Foursquare: the local
#: stand-in. Empty, as always in production: the services themselves.
SOCIAL_STAND_IN = env.str("SOCIAL_STAND_IN", default=f"http://127.0.0.1:{SOCIAL_PORT}")
#: What each service knows us by: key and secret, as registered there. Without a key it is not offered and answers
#: not_linked. The development ones open the stand-in alone; production takes them for none.
SERVICE_KEYS = {
    "twitter": (
        env.str("TWITTER_KEY", default=f"{DEVELOPMENT_MARK}-twitter"),
        env.str("TWITTER_SECRET", default=f"{DEVELOPMENT_MARK}-twitter-secret"),
    ),
    "facebook": (
        env.str("FACEBOOK_APP_ID", default=f"{DEVELOPMENT_MARK}-facebook"),
        env.str("FACEBOOK_APP_SECRET", default=f"{DEVELOPMENT_MARK}-facebook-secret"),
    ),
    "tumblr": (
        env.str("TUMBLR_KEY", default=f"{DEVELOPMENT_MARK}-tumblr"),
        env.str("TUMBLR_SECRET", default=f"{DEVELOPMENT_MARK}-tumblr-secret"),
    ),
    "flickr": (
        env.str("FLICKR_KEY", default=f"{DEVELOPMENT_MARK}-flickr"),
        env.str("FLICKR_SECRET", default=f"{DEVELOPMENT_MARK}-flickr-secret"),
    ),
    "foursquare": (
        env.str("FOURSQUARE_CLIENT_ID", default=f"{DEVELOPMENT_MARK}-foursquare"),
        env.str("FOURSQUARE_CLIENT_SECRET", default=f"{DEVELOPMENT_MARK}-foursquare-secret"),
    ),
}
#: Keys under which the tokens of linked accounts are encrypted, separated by commas: the first encrypts, all decrypt
#: (docs/crossposting.md tells how to change one). A lost key ends every link made under it.
SERVICE_TOKEN_KEYS = env.str("SERVICE_TOKEN_KEYS", default=f"{DEVELOPMENT_MARK}-service-tokens")
#: Account, token and secret that the stand-in knows from the start, at every service: the demo's Anna is linked to it.
SOCIAL_DEMO_LOGIN = ("anna", f"1001-{DEVELOPMENT_MARK}", f"{DEVELOPMENT_MARK}-social")
#: Seconds a service may keep us waiting for a connection or for more of its answer; a request has twice that.
SHARE_TIMEOUT_S = env.float("SHARE_TIMEOUT_S", default=10.0)
#: Seconds before a share that met a fault of its service is tried again; doubles each time up to five minutes.
SHARE_RETRY_BASE_S = env.float("SHARE_RETRY_BASE_S", default=2.0)
#: Seconds after which a share that its service did not take has failed.
SHARE_GIVE_UP_S = env.float("SHARE_GIVE_UP_S", default=86_400.0)

# --- API -------------------------------------------------------------------------------------------------------------

#: Items on a page when `count` says nothing usable.
PAGE_DEFAULT = env.int("PAGE_DEFAULT", default=20)
#: Items on a page at most: the cost of a page is bounded whatever a client asks for.
PAGE_MAX = env.int("PAGE_MAX", default=100)
#: Likers and comments shown with a photo.
SAMPLE_SIZE = env.int("SAMPLE_SIZE", default=8)
#: Requests per sliding hour and credential.
RATE_LIMIT_PER_HOUR = env.int("RATE_LIMIT_PER_HOUR", default=5_000)
#: Writes per sliding hour and token, by scope; a scope that is not named has no limit of its own. In 2014 it was
#: likes=30;comments=15;relationships=20. Our own applications are not held to it.
WRITE_LIMITS_PER_HOUR = env.dict("WRITE_LIMITS_PER_HOUR", cast={"value": int}, default={})
#: The same for applications whose calls must be signed; in 2014 it was likes=100;comments=60;relationships=60.
SIGNED_WRITE_LIMITS_PER_HOUR = env.dict("SIGNED_WRITE_LIMITS_PER_HOUR", cast={"value": int}, default={})

# --- Signing in and applications -------------------------------------------------------------------------------------

#: Seconds an authorization code can be exchanged for a token.
AUTHORIZATION_CODE_S = env.int("AUTHORIZATION_CODE_S", default=600)
#: Applications one person may register.
APPLICATIONS_PER_PERSON = env.int("APPLICATIONS_PER_PERSON", default=20)
#: Wrong passwords for one name from one address before it has to wait: people mistype, guessers go on.
LOGIN_FAILURES_PER_NAME_AND_ADDRESS = env.int("LOGIN_FAILURES_PER_NAME_AND_ADDRESS", default=10)
#: The same for one name from everywhere: guessing spread over many addresses.
LOGIN_FAILURES_PER_NAME = env.int("LOGIN_FAILURES_PER_NAME", default=50)
#: The same for one address, whatever the name: room for an office behind one address.
LOGIN_FAILURES_PER_ADDRESS = env.int("LOGIN_FAILURES_PER_ADDRESS", default=100)
#: Seconds in which they are counted, and the longest wait.
LOGIN_FAILURES_WINDOW_S = env.int("LOGIN_FAILURES_WINDOW_S", default=900)

# --- Demo ------------------------------------------------------------------------------------------------------------

#: The people of the demo have passwords that everybody knows: false where strangers can reach the service.
DEMO_ALLOWED = env.bool("DEMO_ALLOWED", default=True)

# --- Watching --------------------------------------------------------------------------------------------------------

#: Seconds each dependency has to answer a health check; all are asked side by side.
HEALTH_TIMEOUT_S = env.float("HEALTH_TIMEOUT_S", default=1.0)
#: Free disk below this is unwell, MB: PostgreSQL stops at zero, and a log or a dump needs some before that.
HEALTH_DISK_FREE_MB = env.int("HEALTH_DISK_FREE_MB", default=500)
#: A job this many seconds past its lease is unwell: the relay takes it up within a second while it lives.
HEALTH_JOBS_LATE_S = env.float("HEALTH_JOBS_LATE_S", default=60.0)
#: What runs here: the release's name, which a deploy writes into the file RELEASE beside manage.py. Health pages and
#: error reports carry it; empty: a clone, not a release.
RELEASE = env.str("RELEASE", default=_release())
#: Where errors are reported; empty: nowhere.
SENTRY_DSN = env.str("SENTRY_DSN", default="")
#: Least severity that is logged: DEBUG, INFO, WARNING, ERROR.
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # libvips tells every step of every picture at INFO.
    # urllib3 would tell addresses with the tokens of linked accounts at DEBUG, tweepy answers.
    "loggers": {
        name: {"level": "WARNING"} for name in ("pyvips", "urllib3", "oauthlib", "requests_oauthlib", "tweepy")
    },
}
